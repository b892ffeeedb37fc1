#!/bin/sh
# Prints the folder of NVRTC for the tests that compile CUDA kernels: nothing where a CUDA toolkit has
# it, else the wheel of tests/gpu/requirements.txt, unpacked into .cache/nvrtc the first time.
set -eu

if ls /usr/local/cuda/lib64/libnvrtc.so.* >/dev/null 2>&1; then
  exit 0
fi
root=$(cd "$(dirname "$0")/.." && pwd)
requirements=$root/tests/gpu/requirements.txt
target=$root/.cache/nvrtc
stamp=$(sha256sum <"$requirements" | cut -d' ' -f1)

if [ ! -f "$target/stamp" ] || [ "$(cat "$target/stamp")" != "$stamp" ]; then
  rm -rf "$target"
  # The pip of a virtual environment: Debian keeps its own from installing beside it.
  python3 -m venv "$target/pip"
  "$target/pip/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
    --target "$target" --requirement "$requirements" >&2
  rm -rf "$target/pip"
  echo "$stamp" >"$target/stamp"
fi
echo "$target/nvidia/cu13/lib"
