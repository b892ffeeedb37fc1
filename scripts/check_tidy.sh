#!/usr/bin/env bash
# clang-tidy, as .clang-tidy says; any finding fails.
#   scripts/check_tidy.sh BUILD_FOLDER [FILE…]     sources changed since the last commit but one,
#                                                  unless files are given; --all: every source
set -euo pipefail

if [ $# -lt 1 ]; then
  echo "usage: $0 BUILD_FOLDER [FILE…|--all]" >&2
  exit 1
fi
cd "$(dirname "$0")/.."
build=$1
shift
files=("$@")
if [ $# -eq 0 ]; then
  mapfile -t files < <(git diff --name-only --diff-filter=d HEAD~1 -- 'src/*.cpp' 'tools/*.cpp')
elif [ "$1" = --all ]; then
  mapfile -t files < <(find src tools -name '*.cpp' | sort)
fi
if [ ${#files[@]} -eq 0 ]; then
  exit 0
fi
printf '%s\0' "${files[@]}" |
  xargs -0 -n 4 -P "$(nproc)" clang-tidy-14 -p "$build" --quiet --warnings-as-errors='*' \
    --extra-arg=-Wno-unknown-warning-option  # GCC's, from the compile commands
