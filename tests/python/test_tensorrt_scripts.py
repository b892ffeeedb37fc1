"""Scripts that import `tensorrt` and `pycuda`, run by `python -m xinfer.tensorrt` without an edit."""

import pathlib
import subprocess
import sys

import numpy as np
import onnx
import pytest
import xinfer
from conftest import ROOT

SCRIPTS = pathlib.Path(__file__).parent / "scripts"


def run_script(name, *arguments, folder, version=None):
    options = ["--as", version] if version else []
    done = subprocess.run(
        [sys.executable, "-m", "xinfer.tensorrt", *options, SCRIPTS / name, *map(str, arguments)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def test_resnet50_script_and_its_cache(tmp_path):
    generator = ROOT / "bench" / "models" / "resnet50.py"
    subprocess.run([sys.executable, generator, tmp_path / "resnet50.onnx"], check=True)
    out = run_script("drive_resnet50.py", folder=tmp_path)
    assert "Engine built successfully with INT8 calibration." in out
    cache = (tmp_path / "calibration.cache").read_text()
    assert cache.startswith("TRT-") and "EntropyCalibration2\n" in cache and "\ninput: " in cache
    run_script("drive_resnet50.py", "--cached", folder=tmp_path)
    first = (tmp_path / "first.engine").read_bytes()
    assert first == (tmp_path / "second.engine").read_bytes()
    engine = xinfer.Engine(first)
    assert engine.int8_mac_share > 0.95 and engine.inputs[0].max == (4, 3, 224, 224)


@pytest.fixture
def folder(conv_model, tmp_path):
    onnx.save(conv_model, tmp_path / "model.onnx")
    np.save(tmp_path / "samples.npy", np.random.default_rng(4).normal(size=(32, 3, 8, 8)).astype(np.float32))
    return tmp_path


def test_a_missing_script_is_said(tmp_path):
    done = subprocess.run([sys.executable, "-m", "xinfer.tensorrt", "none.py"], cwd=tmp_path, capture_output=True)
    assert done.returncode == 2 and b"none.py" in done.stderr


def test_arguments_and_version_reach_the_script(tmp_path):
    script = tmp_path / "show.py"
    script.write_text("import sys, tensorrt\nprint(tensorrt.__version__, sys.argv[1:], __name__)\n")
    done = subprocess.run(
        [sys.executable, "-m", "xinfer.tensorrt", "--as", "8.6", script, "--epochs", "3"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "8.6.0 ['--epochs', '3'] __main__\n"
