"""The package itself: command, stubs, bundled libraries, documentation that runs."""

import ast
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest
import xinfer
from conftest import ROOT

PACKAGE = pathlib.Path(xinfer._core.__file__).parent


def test_command():
    command = pathlib.Path(sys.executable).parent / "xinfer"
    done = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"xinfer {xinfer.__version__}"
    assert subprocess.run([command, "build", "none.onnx", "-o", "x"], capture_output=True).returncode == 1


def test_stub_has_every_name():
    tree = ast.parse((PACKAGE / "_core.pyi").read_text())
    found = {node.name for node in tree.body if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
    names = {name for name in dir(xinfer._core) if not name.startswith("_")}
    assert names <= found
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            members = {m.name for m in node.body if isinstance(m, ast.FunctionDef)}
            methods = {n for n in dir(getattr(xinfer._core, node.name)) if not n.startswith("_")}
            assert methods <= members, node.name


def test_package_is_marked_as_typed():
    assert (pathlib.Path(xinfer.__file__).parent / "py.typed").exists()


def test_libraries_are_bundled():
    """What not every machine has lies in the package, and is what the module loads."""
    maps = pathlib.Path("/proc/self/maps").read_text()
    loaded = {line.split()[-1] for line in maps.splitlines() if ".so" in line}
    for name in ("libxinfer_compiler", "libxinfer_runtime", "libprotobuf-lite", "libfmt"):
        paths = {path for path in loaded if pathlib.Path(path).name.startswith(name)}
        assert paths and all(path.startswith(str(PACKAGE)) for path in paths), (name, paths)
    assert not list((PACKAGE / "lib").glob("libstdc++*"))


def test_every_export_exists():
    for name in xinfer.__all__:
        assert hasattr(xinfer, name)


def python_blocks(page):
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)


@pytest.mark.parametrize("page", ["README.md", "docs/python.md", "docs/tensorrt.md"])
def test_documentation_runs(page, digits, tmp_path, monkeypatch):
    """The blocks of a page, one after the other, with the example's model and images in their place."""
    blocks = python_blocks(page)
    assert blocks, f"{page} has no Python"
    monkeypatch.chdir(tmp_path)
    for link in ("calib", "eval"):
        pathlib.Path(link).symlink_to(digits / link)
    pathlib.Path("images").symlink_to(digits / "calib")
    pathlib.Path("model.onnx").symlink_to(digits / "digits.onnx")
    names = {"batch": np.zeros((1, 1, 8, 8), np.float32), "samples": np.zeros((100, 1, 8, 8), np.float32)}
    names["samples"][:] = np.random.default_rng(0).random(names["samples"].shape)
    for block in blocks:
        exec(compile(block, page, "exec"), names)  # noqa: S102: our own pages
