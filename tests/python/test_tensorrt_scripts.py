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
def folder(conv_model, two_input_model, tmp_path):
    """Where a script finds model.onnx, two_inputs.onnx and samples.npy."""
    onnx.save(conv_model, tmp_path / "model.onnx")
    onnx.save(two_input_model, tmp_path / "two_inputs.onnx")
    np.save(tmp_path / "samples.npy", np.random.default_rng(4).normal(size=(32, 3, 8, 8)).astype(np.float32))
    return tmp_path


@pytest.mark.parametrize(
    "script",
    [
        "cache_only.py",
        "dynamic_ranges.py",
        "dynamic_shapes.py",
        "layer_precisions.py",
        "minmax_two_inputs.py",
        "network_by_hand.py",
        "polygraphy_like.py",
        "profiler_and_monitor.py",
    ],
)
def test_script_passes_its_own_checks(script, folder):
    run_script(script, folder=folder)


@pytest.mark.parametrize(
    ("script", "output", "version"),
    [("host_device_buffers.py", "buffers.npy", "8.6"), ("trt10_addresses.py", "trt10.npy", None)],
)
def test_script_computes_what_the_engine_computes(script, output, version, folder):
    run_script(script, folder=folder, version=version)
    found = np.load(folder / output)
    engine = xinfer.build(folder / "model.onnx", max_batch=16)
    np.testing.assert_array_equal(found, engine(np.load(folder / "samples.npy")[: len(found)]))


def test_polygraphy_itself(folder):
    pytest.importorskip("polygraphy", reason="PyPI's polygraphy is not installed")
    run_script("polygraphy_real.py", folder=folder)
    engine = xinfer.Engine(folder / "polygraphy.engine")
    assert engine.int8_mac_share > 0.9
    np.testing.assert_array_equal(np.load(folder / "polygraphy.npy"), engine(np.load(folder / "samples.npy")[:8]))


def test_new_weights_by_refitting_or_rebuilding(folder):
    run_script("refit_or_rebuild.py", folder=folder)
    engine, exact = xinfer.Engine(folder / "refitted.engine"), xinfer.build(folder / "doubled.onnx", max_batch=8)
    samples = np.load(folder / "samples.npy")[:8]
    wanted, found = exact(samples), engine(samples)
    assert engine.int8_mac_share > 0.9
    # Twice the weights: the old output would be off by half of the wanted one.
    assert np.abs(found - wanted).mean() < 0.25 * np.abs(wanted).mean()


def test_trt7_script(folder):
    run_script("trt7_build_engine.py", folder=folder, version="7.2")
    engine = xinfer.Engine(folder / "trt7.engine")
    assert engine.int8_mac_share > 0.9 and engine.inputs[0].max[0] == 8
    np.testing.assert_array_equal(np.load(folder / "trt7.npy"), engine(np.load(folder / "samples.npy")[:8]))
    assert (folder / "trt7.cache").read_text().startswith("TRT-101600-EntropyCalibration\n")


def test_trtexec_like_script(folder):
    out = run_script(
        "trtexec_like.py",
        *("--onnx=model.onnx", "--saveEngine=m.plan", "--shapes=x:4x3x8x8", "--fp16", "--timingCacheFile=t.cache"),
        folder=folder,
    )
    assert "GPU Compute Time: min = " in out and (folder / "t.cache").stat().st_size > 0
    assert "median" in run_script("trtexec_like.py", "--loadEngine=m.plan", folder=folder)


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
