#!/usr/bin/env bash
# Tests under sanitizers, built with clang into build/asan or build/tsan. Any finding fails.
#   scripts/sanitize.sh asan [CTEST_ARGUMENT…]    every test, AddressSanitizer and UndefinedBehaviorSanitizer
#   scripts/sanitize.sh tsan [CTEST_ARGUMENT…]    the tests that run threads, ThreadSanitizer
# Not checked: the types of functions called through pointers (the CUDA driver's are looked up by
# name). Tests of memory in use skip (XINFER_SANITIZED): freed memory stays in quarantine.
# JOBS=N sets how many compilers run at a time; default: all processors.
set -euo pipefail

cd "$(dirname "$0")/.."
preset=${1:-}
threaded=(core_test data_test calibrate_test batch_split_test integration_test gpu_context_test)
case $preset in
  asan) targets=(all) select=() ;;
  tsan) targets=("${threaded[@]}") select=(-R "^($(IFS='|' && echo "${threaded[*]}"))\$") ;;
  *)
    echo "usage: $0 asan|tsan [CTEST_ARGUMENT…]" >&2
    exit 1
    ;;
esac
shift
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
scripts/setup.sh build test fuzz
cmake --preset "$preset" --log-level=WARNING
cmake --build --preset "$preset" -j "${JOBS:-$(nproc)}" --target "${targets[@]}"
ctest --preset "$preset" "${select[@]}" "$@"
