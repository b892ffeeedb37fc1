#!/usr/bin/env bash
# Builds the wheels that a release has (3.10, 3.11, and one of the stable ABI for 3.12 and later), runs the
# Python tests with each, and installs each where there are no build tools: a fresh virtual environment and
# a PATH that has nothing else. An editable install is tried too.
#   scripts/test_wheels.sh [PYTHON…]     interpreters; default: python3.10 to python3.13, those that exist
set -euo pipefail

cd "$(dirname "$0")/.."
root=$PWD
pythons=("$@")
if [ ${#pythons[@]} -eq 0 ]; then
  for version in 3.10 3.11 3.12 3.13; do
    command -v "python$version" >/dev/null && pythons+=("$(command -v "python$version")")
  done
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])'; }

wheel_of() {
  local tag suffix=
  tag=$("$1" -c 'import sys; print(sys.implementation.cache_tag)')
  [ "$tag" = "$(python3 -c 'import sys; print(sys.implementation.cache_tag)')" ] || suffix=-$tag
  echo "$root/build/wheel$suffix"/*.whl
}

# Installs a wheel with its dependencies alone, and runs a build and an engine with an empty PATH.
check_bare() {
  local python=$1 wheel=$2 venv
  venv=$work/bare-$(version_of "$python")
  "$python" -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$wheel"
  (cd "$work" && env -i PATH="$venv/bin" HOME="$work" "$venv/bin/python" - "$root" <<'END'
import subprocess, sys
import numpy, xinfer
import xinfer.tensorrt
digits = sys.argv[1] + "/examples/digits"
engine = xinfer.build(f"{digits}/digits.onnx", calib=f"{digits}/calib", preprocess="color=gray,mean=0.5,std=0.5")
assert engine(numpy.zeros((1, 1, 8, 8), numpy.float32)).shape == (1, 10)
version = subprocess.run(["xinfer", "--version"], capture_output=True, text=True, check=True).stdout
assert version.split() == ["xinfer", xinfer.__version__]
print("bare: Python", sys.version.split()[0], "xinfer", xinfer.__version__)
END
  )
}

check_editable() {
  local python=$1 venv=$work/editable
  "$python" -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    --config-settings build-dir=build/python-editable \
    ${launcher:+--config-settings "$launcher"} ${strict:+--config-settings "$strict"} --editable .
  (cd "$work" && "$venv/bin/python" -c "
import pathlib, sys, xinfer
assert pathlib.Path(xinfer.__file__).is_relative_to(sys.argv[1]), xinfer.__file__
print('editable:', xinfer.cpu_name())" "$root/python")
}

launcher= strict=
command -v ccache >/dev/null && launcher=cmake.define.CMAKE_CXX_COMPILER_LAUNCHER=ccache
[ "${CI:-}" = true ] && strict=cmake.define.XINFER_WERROR=ON
export CXX=${CXX:-c++} CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1

stable=
for python in "${pythons[@]}"; do
  version=$(version_of "$python")
  echo "=== Python $version"
  if [ -n "$stable" ]; then
    PYTHON=$python WHEEL=$stable scripts/test_python.sh -q
    check_bare "$python" "$stable"
    continue
  fi
  PYTHON=$python scripts/test_python.sh -q
  wheel=$(wheel_of "$python")
  echo "$(basename "$wheel"): $(($(stat -c %s "$wheel") / 1024)) KiB"
  check_bare "$python" "$wheel"
  case $wheel in *-abi3-*) stable=$wheel ;; esac
done
check_editable "${pythons[-1]}"
