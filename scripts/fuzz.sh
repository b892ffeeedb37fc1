#!/usr/bin/env bash
# Builds the fuzz targets with clang and runs each from its committed corpus.
#   scripts/fuzz.sh [SECONDS [TARGET…]]     60 seconds and all targets unless given
# New inputs go to build/fuzz/corpus, inputs that crash to build/fuzz/crashes; the latter belong into
# fuzz/corpus once the bug is fixed.
set -euo pipefail

cd "$(dirname "$0")/.."
seconds=${1:-60}
shift || true
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  mapfile -t targets < <(cd fuzz/corpus && printf '%s\n' *)
fi

cmake --preset fuzz --log-level=WARNING
cmake --build build/fuzz -j "$(nproc)" --target "${targets[@]/#/fuzz_}"

# One target a processor; each writes a log of its own.
run_target() {
  local name=$1 seconds=$2 work=build/fuzz/corpus/$1
  mkdir -p "$work" build/fuzz/crashes
  local status=0
  build/fuzz/fuzz/fuzz_"$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
    -max_len=65536 -print_final_stats=1 -artifact_prefix=build/fuzz/crashes/"$name"- \
    "$work" fuzz/corpus/"$name" >build/fuzz/"$name".log 2>&1 || status=$?
  if [ $status -ne 0 ]; then
    tail -n 40 build/fuzz/"$name".log
    echo "fuzz_$name: FAILED"
    return 1
  fi
  echo "fuzz_$name: $(awk '/number_of_executed_units/ { print $2 }' build/fuzz/"$name".log) runs"
}
export -f run_target
printf '%s\n' "${targets[@]}" |
  xargs -P "$(nproc)" -I{} bash -c 'run_target "$@"' fuzz {} "$seconds"
