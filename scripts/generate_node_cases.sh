#!/bin/sh
# Writes ONNX's backend node cases (tests/onnx/generate_node_cases.py) to the folder named by the
# first argument, with the onnx that scripts/python_venv.sh installs. Quick the second time.
set -eu

if [ $# -ne 1 ]; then
  echo "usage: $0 OUTPUT_FOLDER" >&2
  exit 1
fi
root=$(cd "$(dirname "$0")/.." && pwd)
output=$1
mkdir -p "$output"
output=$(cd "$output" && pwd)

inputs="$root/tests/onnx/generate_node_cases.py $root/tests/onnx/requirements.txt $root/docs/supported-ops.md"
# shellcheck disable=SC2086  # paths of the source tree, split on purpose
stamp=$(cat $inputs | sha256sum | cut -d' ' -f1)
if [ -f "$output/stamp" ] && [ "$(cat "$output/stamp")" = "$stamp" ]; then
  exit 0
fi

python=$("$root/scripts/python_venv.sh")
rm -rf "$output/cases"
"$python" "$root/tests/onnx/generate_node_cases.py" \
  --ops "$root/docs/supported-ops.md" "$output/cases"
echo "$stamp" >"$output/stamp"
