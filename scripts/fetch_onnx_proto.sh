#!/bin/sh
# Writes onnx.proto of a pinned onnx wheel to the file named by the first argument.
# The wheel is fetched with pip and checked by hash; a file that is already there and has the right
# hash is left alone, so that later builds need no network.
set -eu

onnx_version=1.23.2
wheel_sha256=7abf381d278f31ac62487fddedc9dd42da842dce94d5d43536836ee3efdf4a2b
proto_sha256=547214dd049486a4d5ecbae593e9c72d90b5e8d603944b722eff469e0b5a9cc9

if [ $# -ne 1 ]; then
  echo "usage: $0 OUTPUT" >&2
  exit 1
fi
output=$1

proto_is_right() {
  [ -f "$1" ] && echo "$proto_sha256  $1" | sha256sum --check --status
}

if proto_is_right "$output"; then
  exit 0
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

python=python3
if ! "$python" -m pip --version >/dev/null 2>&1; then
  python3 -m venv "$folder/venv"
  python=$folder/venv/bin/python
fi

# The schema is the same in every wheel of the release: one is pinned, whatever Python runs here.
echo "onnx==$onnx_version --hash=sha256:$wheel_sha256" >"$folder/requirements.txt"
"$python" -m pip download --quiet --no-deps --only-binary=:all: --require-hashes \
  --python-version 3.12 --implementation cp --abi abi3 \
  --platform manylinux_2_27_x86_64 --platform manylinux_2_28_x86_64 \
  --dest "$folder" --requirement "$folder/requirements.txt"
"$python" -m zipfile -e "$folder"/onnx-*.whl "$folder/wheel"

proto=$folder/wheel/onnx/onnx.proto
if ! proto_is_right "$proto"; then
  echo "$0: onnx.proto of onnx $onnx_version does not have the pinned hash" >&2
  exit 1
fi
mkdir -p "$(dirname "$output")"
cp "$proto" "$output.$$"
mv "$output.$$" "$output"
