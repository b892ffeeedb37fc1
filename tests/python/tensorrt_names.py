"""The public names of TensorRT's own bindings, read from the wheel that NVIDIA publishes.

    python tests/python/tensorrt_names.py >tests/python/tensorrt_surface.tsv

The bindings import without TensorRT, a driver or a GPU: the libraries that they are linked to are stood in
for by empty ones with the symbols that they need, which a C compiler makes. The wheel is fetched once into a
folder of the caller's; nothing of it is kept in the repository but these names.
"""

from __future__ import annotations

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

WHEELS = {"10.16": "tensorrt-cu12-bindings==10.16.0.72", "8.6": "tensorrt-bindings==8.6.1"}

_READER = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("tensorrt", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)

def show(path, kind):
    for name in sorted(vars(kind).keys() | set(dir(kind))):
        if name.startswith("_"):
            continue
        print(f"{path}\\t{name}")
        if isinstance(getattr(kind, name), type) and "." not in path:
            print(f"{path}.{name}\\t")
            show(f"{path}.{name}", getattr(kind, name))

for name in sorted(dir(module)):
    if not name.startswith("_"):
        print(f"{name}\\t")
        if isinstance(getattr(module, name), type):
            show(name, getattr(module, name))
"""


class NamesUnavailableError(Exception):
    """The wheel cannot be had or read here; the text says why."""


def names(version: str, cache: pathlib.Path) -> set[tuple[str, str]]:
    """Pairs (class or function, member or ""); classes inside classes as "Outer.Inner"."""
    wheel = _wheel(WHEELS[version], cache / f"tensorrt-{version}-py{sys.version_info[0]}{sys.version_info[1]}")
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(wheel) as archive:
            member = next(name for name in archive.namelist() if name.endswith("/tensorrt.so"))
            module = archive.extract(member, folder)
        _make_stubs(module, pathlib.Path(folder))
        done = subprocess.run(
            [sys.executable, "-c", _READER, module],
            env={"LD_LIBRARY_PATH": folder},
            capture_output=True,
            text=True,
        )
    if done.returncode != 0:
        raise NamesUnavailableError(f"{wheel.name} does not import: {done.stderr.strip()}")
    pairs = (line.split("\t") for line in done.stdout.splitlines())
    return {(owner, name) for owner, name in pairs}


def _wheel(requirement: str, folder: pathlib.Path) -> pathlib.Path:
    found = sorted(folder.glob("*.whl"))
    if not found:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        done = subprocess.run(
            [*command, "--only-binary", ":all:", "--dest", folder, requirement], capture_output=True, text=True
        )
        if done.returncode != 0:
            raise NamesUnavailableError(f"pip download {requirement}: {done.stderr.strip()}")
        found = sorted(folder.glob("*.whl"))
    return found[0]


def _make_stubs(module: str, folder: pathlib.Path) -> None:
    """Empty libraries under the names that the module needs, with the symbols that nothing else has."""
    if shutil.which("cc") is None or shutil.which("readelf") is None:
        raise NamesUnavailableError("no C compiler and readelf to make stand-in libraries with")
    dynamic = subprocess.run(["readelf", "-dW", module], capture_output=True, text=True, check=True).stdout
    table = subprocess.run(["readelf", "--dyn-syms", "-W", module], capture_output=True, text=True, check=True).stdout
    symbols = [
        line.split()[-1]
        for line in table.splitlines()
        if " UND " in line and " GLOBAL " in line and "@" not in line and not re.search(r" _?Py", line)
    ]
    code = "".join(f"void* {symbol}(void) {{ return 0; }}\n" for symbol in symbols)
    libraries = re.findall(r"\(NEEDED\).*\[(libnv[^\]]*)\]", dynamic)
    for number, library in enumerate(libraries):
        subprocess.run(
            ["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", folder / library, f"-Wl,-soname,{library}"],
            input=code if number == 0 else "",
            text=True,
            check=True,
        )


def surface(cache: pathlib.Path) -> list[tuple[str, str, str]]:
    """Every name of any version, with the versions that have it."""
    found = {version: names(version, cache) for version in WHEELS}
    pairs = sorted(set().union(*found.values()))
    return [(*pair, " ".join(version for version in WHEELS if pair in found[version])) for pair in pairs]


if __name__ == "__main__":
    print("# Public names of TensorRT's bindings: class or function, member, versions. Made by tensorrt_names.py.")
    for row in surface(pathlib.Path(".cache")):
        print("\t".join(row))
