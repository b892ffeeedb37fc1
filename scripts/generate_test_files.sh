#!/bin/sh
# Runs a Python script that writes test files, with the packages that scripts/python_venv.sh installs.
#   scripts/generate_test_files.sh OUTPUT_FOLDER SCRIPT [ARGUMENT…]
# The script gets its arguments and then OUTPUT_FOLDER/cases. Nothing is done where script, packages,
# arguments and the files named by them are those of the last time.
set -eu

if [ $# -lt 2 ]; then
  echo "usage: $0 OUTPUT_FOLDER SCRIPT [ARGUMENT…]" >&2
  exit 1
fi
root=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1"
output=$(cd "$1" && pwd)
shift

stamp=$({
  printf '%s\n' "$@"
  cat "$root/tests/onnx/requirements.txt"
  for argument; do
    if [ -f "$argument" ]; then cat "$argument"; fi
  done
} | sha256sum | cut -d' ' -f1)
if [ -f "$output/stamp" ] && [ "$(cat "$output/stamp")" = "$stamp" ]; then
  exit 0
fi

python=$("$root/scripts/python_venv.sh")
rm -rf "$output/cases" "$output/stamp"
"$python" "$@" "$output/cases"
echo "$stamp" >"$output/stamp"
