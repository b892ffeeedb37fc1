#!/usr/bin/env bash
# Builds the Python package's wheel as `pip install .` does, installs it into a virtual environment of its
# own in .cache, and runs tests/python against it. Safe to run again; quick when little changed.
#   scripts/test_python.sh [PYTEST ARGUMENTS…]
# PYTHON names the interpreter (default python3); WHEEL a wheel to test instead of building one.
set -euo pipefail

cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
# What another interpreter than the default made is kept beside it, not overwritten.
tag=$("$python" -c 'import sys; print(sys.implementation.cache_tag)')
default=$(python3 -c 'import sys; print(sys.implementation.cache_tag)')
suffix=
if [ "$tag" != "$default" ]; then suffix=-$tag; fi
venv=$PWD/.cache/python-venv$suffix
wheels=$PWD/build/wheel$suffix
# The compiler by the name that CMake gives it in other build folders: ccache tells names apart.
export CXX=${CXX:-c++} CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1

# The build tools are pinned in pyproject.toml alone.
build_tools=$("$python" - <<'END'
import re
print("\n".join(re.findall(r'"([^"]+)"', re.search(r"requires = \[([^\]]*)\]", open("pyproject.toml").read())[1])))
END
)
stamp=$( (echo "$build_tools"; cat tests/python/requirements.txt tests/onnx/requirements.txt; "$python" -V) |
  sha256sum | cut -d' ' -f1)
if [ ! -f "$venv/stamp" ] || [ "$(cat "$venv/stamp")" != "$stamp" ]; then
  rm -rf "$venv"
  "$python" -m venv "$venv"
  # shellcheck disable=SC2086  # one requirement a line, split on purpose
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    $build_tools --requirement tests/python/requirements.txt
  echo "$stamp" >"$venv/stamp"
fi

options=(--config-settings build-dir="build/python$suffix")
if command -v ccache >/dev/null; then
  options+=(--config-settings cmake.define.CMAKE_CXX_COMPILER_LAUNCHER=ccache)
fi
if [ "${CI:-}" = true ]; then
  options+=(--config-settings cmake.define.XINFER_WERROR=ON)
fi
if [ -z "${WHEEL:-}" ]; then
  rm -rf "$wheels"
  "$venv/bin/python" -m pip wheel --quiet --disable-pip-version-check --no-build-isolation --no-deps \
    --wheel-dir "$wheels" "${options[@]}" .
  WHEEL=$(echo "$wheels"/*.whl)
fi
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall "$WHEEL"
"$venv/bin/python" -m pytest "$@"
