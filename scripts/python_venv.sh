#!/bin/sh
# Prints the path of a Python that has the packages of tests/onnx/requirements.txt (numpy, onnx), from
# a virtual environment in .cache/venv. It is made the first time, and again when the list changes.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
requirements=$root/tests/onnx/requirements.txt
venv=$root/.cache/venv
stamp=$(sha256sum <"$requirements" | cut -d' ' -f1)

mkdir -p "$root/.cache"
exec 9>"$root/.cache/venv.lock"
flock 9  # Tests that run side by side ask for it at the same time.
if [ ! -f "$venv/stamp" ] || [ "$(cat "$venv/stamp")" != "$stamp" ]; then
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    --requirement "$requirements" >&2
  echo "$stamp" >"$venv/stamp"
fi
echo "$venv/bin/python"
