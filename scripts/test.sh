#!/usr/bin/env bash
# Every check on a bare Debian 12 or Ubuntu 24.04: set-up, style, build, tests. Safe to run again.
# With CI=true warnings are errors and every fuzz target runs for a minute; FUZZ_SECONDS=N sets the
# seconds, 0 leaves the fuzzers out.
# ctest runs last, so that its summary is what remains on the screen.
set -euo pipefail

cd "$(dirname "$0")/.."
. scripts/stages.sh
build=build/test
jobs=$(nproc)
failed=0
# Lets ccache find objects again in another checkout or build folder. It tells locales apart, and
# Python sets one where there is none (PEP 538): without this its build would share no object.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1 LC_ALL=C.UTF-8

begin_stage "set-up"
groups=(build test)
werror=OFF
fuzz_seconds=${FUZZ_SECONDS:-0}
if [ "${CI:-}" = true ]; then
  werror=ON
  fuzz_seconds=${FUZZ_SECONDS:-60}
fi
if [ "$fuzz_seconds" -gt 0 ]; then
  groups+=(fuzz)
fi
scripts/setup.sh "${groups[@]}"
nvrtc=$(scripts/nvrtc_folder.sh)
if [ -n "$nvrtc" ]; then
  export LD_LIBRARY_PATH=$nvrtc${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
fi

begin_stage "style"
scripts/check_format.sh || failed=1

begin_stage "configure"
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER_LAUNCHER=ccache \
  -DXINFER_WERROR=$werror --log-level=WARNING

begin_stage "build"
cmake --build "$build" -j "$jobs"

if [ "$fuzz_seconds" -gt 0 ]; then
  begin_stage "fuzz"
  scripts/fuzz.sh "$fuzz_seconds" || failed=1
fi

begin_stage "python"
scripts/test_python.sh -q || failed=1

begin_stage "test"
ctest --test-dir "$build" --output-on-failure --no-tests=error -j 2 || failed=1
end_stage
if [ $failed -ne 0 ]; then
  echo "scripts/test.sh: FAILED (see above)"
fi
exit $failed
