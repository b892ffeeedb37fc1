#!/usr/bin/env bash
# Fails if a C++ or CUDA source is not formatted as .clang-format says. --fix formats instead.
# The guide's programs in examples/cpp stay as they are printed and are left out.
set -euo pipefail

cd "$(dirname "$0")/.."
clang_format=clang-format-14
arguments=(--dry-run -Werror)
if [ "${1:-}" = --fix ]; then
  arguments=(-i)
fi
if ! command -v $clang_format >/dev/null; then
  echo "$0: $clang_format is missing: scripts/setup.sh installs it" >&2
  exit 1
fi
folders=()
for folder in include src tools tests fuzz bench python; do
  if [ -d "$folder" ]; then folders+=("$folder"); fi
done
find "${folders[@]}" -type f \
  \( -name '*.h' -o -name '*.cpp' -o -name '*.cuh' \) -print0 |
  xargs -0 -n 32 -P "$(nproc)" $clang_format "${arguments[@]}"
