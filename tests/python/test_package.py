"""The package itself: command, stubs, bundled libraries, documentation that runs."""

import ast
import json
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


def test_typed_use_passes_a_strict_checker(tmp_path):
    def check(path):
        command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", tmp_path / "cache", path]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
        return done.returncode, done.stdout + done.stderr

    code, said = check(ROOT / "tests" / "python" / "typed_use.py")
    assert code == 0, said
    (tmp_path / "misspelt.py").write_text("import xinfer\nprint(xinfer.Engine('m.engine').lairs)\n")
    code, said = check(tmp_path / "misspelt.py")
    assert code == 1 and '"Engine" has no attribute "lairs"' in said


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


def test_reference_pages_are_current():
    command = [sys.executable, ROOT / "scripts" / "write_python_reference.py", "--check"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_notebook_runs(digits, monkeypatch, capsys):
    """The notebook's cells, top to bottom."""
    notebook = json.loads((digits / "int8_in_five_steps.ipynb").read_text())
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert len(cells) > 5
    monkeypatch.chdir(digits)
    names = {"__name__": "__main__"}
    for number, cell in enumerate(cells):
        exec(compile(cell, f"cell {number}", "exec"), names)  # noqa: S102: our own notebook
    assert names["result"].agreement_percent > 95
    assert "agreement" in capsys.readouterr().out


def test_only_libraries_of_every_machine_are_loaded_besides():
    """What importing the package loads lies in it, or is of the C and C++ run-time libraries."""
    script = (
        "import ctypes, mmap, numpy, shutil, sqlite3, ssl, sys, tempfile\n"
        "if len(sys.argv) > 1: import xinfer\n"
        "print({line.split()[-1] for line in open('/proc/self/maps') if '.so' in line})"
    )

    def loaded(*arguments):
        done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
        return ast.literal_eval(done.stdout)

    others = {path for path in loaded("xinfer") - loaded() if not path.startswith(str(PACKAGE))}
    names = {pathlib.Path(path).name.split(".so")[0] for path in others if "lib-dynload" not in path}
    assert names <= {"libc", "libm", "libdl", "librt", "libpthread", "libstdc++", "libgcc_s", "ld-linux-x86-64"}


def python_blocks(page):
    """What a page's code fences hold, but for blocks that say they need a GPU."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    return [block for block in blocks if not block.startswith("# needs a GPU")]


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
