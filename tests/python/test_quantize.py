"""Q/DQ models: valid ONNX, symmetric, and close to the engine with the same ranges in other runtimes."""

import subprocess
import sys

import numpy as np
import onnx
import pytest
import xinfer
from conftest import PREPROCESS
from onnx import TensorProto, numpy_helper


@pytest.fixture(scope="module")
def ranges(conv_model, samples, tmp_path_factory):
    cache = tmp_path_factory.mktemp("quantize") / "ranges.json"
    xinfer.calibrate(conv_model, samples, cache)
    return cache


def constants_of(model):
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def sqnr(reference, tested):
    return 10 * np.log10(np.sum(reference**2) / np.sum((tested - reference) ** 2))


@pytest.mark.parametrize("for_tensorrt", [False, True])
def test_model_is_valid_and_symmetric(for_tensorrt, conv_model, ranges, tmp_path):
    path = tmp_path / "q.onnx"
    written = xinfer.quantize(conv_model, path, calib_cache=ranges, for_tensorrt=for_tensorrt)
    assert path.read_bytes() == written
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    constants, kinds = constants_of(model), set()
    weights = 0
    for node in model.graph.node:
        if node.op_type not in ("QuantizeLinear", "DequantizeLinear"):
            continue
        if len(node.input) == 3:
            zero = constants[node.input[2]]
            assert zero == 0
            kinds.add(zero.dtype.name)
        elif constants[node.input[0]].dtype == np.int8:
            weights += 1
            values, scales = constants[node.input[0]], constants[node.input[1]]
            axis = next(a.i for a in node.attribute if a.name == "axis")
            assert values.shape[axis] == len(scales) > 1 and values.min() >= -127
    assert kinds == ({"int8"} if for_tensorrt else {"int8", "uint8"})
    assert weights == 3
    assert [i.name for i in model.graph.input] == ["x"] and [o.name for o in model.graph.output] == ["y"]


def test_needs_ranges(conv_model):
    with pytest.raises(xinfer.InvalidArgumentError, match="needs calib"):
        xinfer.quantize(conv_model)


def test_keep_leaves_a_layer_alone(conv_model, ranges):
    model = onnx.load_from_string(xinfer.quantize(conv_model, calib_cache=ranges, keep={"conv1": "fp32"}))
    assert sum(t.data_type == TensorProto.INT8 and len(t.dims) > 1 for t in model.graph.initializer) == 2


def test_onnx_runtime_agrees(conv_model, samples, ranges):
    onnxruntime = pytest.importorskip("onnxruntime")
    reference = xinfer.build(conv_model, max_batch=24)(samples)
    ours = xinfer.build(conv_model, calib_cache=ranges, max_batch=24)(samples)
    session = onnxruntime.InferenceSession(
        xinfer.quantize(conv_model, calib_cache=ranges), providers=["CPUExecutionProvider"]
    )
    theirs = session.run(None, {"x": samples})[0]
    assert sqnr(reference, theirs) > sqnr(reference, ours) - 3
    assert sqnr(ours, theirs) > 30


def test_openvino_agrees(conv_model, samples, ranges):
    openvino = pytest.importorskip("openvino")
    ours = xinfer.build(conv_model, calib_cache=ranges, max_batch=24)(samples)
    model = openvino.Core().read_model(xinfer.quantize(conv_model, calib_cache=ranges))
    theirs = openvino.Core().compile_model(model, "CPU")(samples)[0]
    assert sqnr(ours, theirs) > 25


def test_command(digits, tmp_path):
    command = [sys.executable, "-c", "from xinfer._cli import main; main()", "quantize", digits / "digits.onnx"]
    options = ["--calib", digits / "calib", "--preprocess", PREPROCESS, "-o", tmp_path / "q.onnx"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=True)
    assert "layers in INT8" in done.stdout
    onnx.checker.check_model(onnx.load(tmp_path / "q.onnx"))
    wrong = subprocess.run([*command, *options, "--for", "toaster"], capture_output=True, text=True)
    assert wrong.returncode == 1 and "toaster" in wrong.stderr
