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
    with np.errstate(divide="ignore"):  # equal: infinite
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


# --- models that are quantised already ---


@pytest.mark.parametrize("for_tensorrt", [False, True])
def test_what_quantize_writes_builds_the_same_layers(for_tensorrt, conv_model, samples, ranges):
    quantised = xinfer.quantize(conv_model, calib_cache=ranges, for_tensorrt=for_tensorrt)
    direct = xinfer.build(conv_model, calib_cache=ranges, max_batch=24)
    again = xinfer.build(quantised, max_batch=24)
    assert again.int8_mac_share == direct.int8_mac_share == 1.0
    if for_tensorrt:  # s8 alone: one bit less
        assert sqnr(direct(samples), again(samples)) > 25
    else:
        np.testing.assert_array_equal(direct(samples), again(samples))
    assert {layer.reason for layer in again.layers if layer.precision == "int8"} == {"INT8: quantised in the model"}


def test_a_quantised_model_is_not_calibrated(conv_model, samples, ranges, tmp_path):
    quantised = xinfer.quantize(conv_model, calib_cache=ranges)
    report_of = xinfer.build(quantised, calib=samples, max_batch=24)
    np.testing.assert_array_equal(report_of(samples), xinfer.build(quantised, max_batch=24)(samples))
    for again in (
        lambda: xinfer.quantize(quantised, calib=samples),
        lambda: xinfer.calibrate(quantised, samples, tmp_path / "cache.json"),
    ):
        with pytest.raises(xinfer.InvalidArgumentError, match="quantised already"):
            again()


def _quantised_by_onnx_runtime(model, samples, folder, symmetric, per_channel):
    quantization = pytest.importorskip("onnxruntime.quantization")
    onnx.save(model, folder / "float.onnx")

    class Reader(quantization.CalibrationDataReader):
        def __init__(self):
            self.batches = iter(samples.reshape(4, 6, *samples.shape[1:]))

        def get_next(self):
            batch = next(self.batches, None)
            return None if batch is None else {"x": batch}

    quantization.quantize_static(
        folder / "float.onnx",
        folder / "q.onnx",
        Reader(),
        quant_format=quantization.QuantFormat.QDQ,
        activation_type=quantization.QuantType.QInt8 if symmetric else quantization.QuantType.QUInt8,
        per_channel=per_channel,
        extra_options={"ActivationSymmetric": symmetric, "WeightSymmetric": True},
    )
    return onnx.load(folder / "q.onnx")


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("symmetric", [False, True])
def test_onnx_runtimes_own_models(symmetric, per_channel, conv_model, samples, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    model = _quantised_by_onnx_runtime(conv_model, samples, tmp_path, symmetric, per_channel)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    theirs = session.run(None, {"x": samples})[0]
    engine = xinfer.build(model, max_batch=24)
    assert sqnr(theirs, engine(samples)) > 30
    # Without symmetry, what comes out of a ReLU alone has zero point 0.
    assert engine.int8_mac_share == 1.0 if symmetric else 0 < engine.int8_mac_share < 1


def test_a_profile_of_one_size_fixes_the_dimensions(tmp_path):
    """17 / 9 as a float32 factor would give 16 rows: a Resize to fixed sizes is written with them."""
    from conftest import make_model
    from onnx import helper

    weights = {"w": np.random.default_rng(5).normal(size=(4, 3, 3, 3)).astype(np.float32)}
    weights |= {name: np.array([number], np.int64) for name, number in (("zero", 0), ("two", 2), ("four", 4))}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["small"], name="conv", strides=[2, 2], pads=[1] * 4),
        helper.make_node("Shape", ["x"], ["sizes"]),
        helper.make_node("Slice", ["sizes", "two", "four"], ["hw"]),
        helper.make_node("Shape", ["small"], ["small_sizes"]),
        helper.make_node("Slice", ["small_sizes", "zero", "two"], ["nc"]),
        helper.make_node("Concat", ["nc", "hw"], ["target"], axis=0),
        helper.make_node("Resize", ["small", "", "", "target"], ["y"], name="resize", mode="nearest"),
    ]
    model = make_model(nodes, [("x", ["n", 3, "h", "w_"])], [("y", ["n", 4, "h", "w_"])], weights)
    samples = np.random.default_rng(6).normal(size=(8, 3, 17, 23)).astype(np.float32)
    shape = (1, 3, 17, 23)
    written = xinfer.quantize(model, calib=samples, profiles={"x": (shape, shape, shape)})
    onnx.checker.check_model(onnx.load_from_string(written), full_check=True)
    fixed = onnx.load_from_string(written).graph.input[0].type.tensor_type.shape
    assert tuple(dim.dim_value for dim in fixed.dim) == shape
    engine = xinfer.build(model, calib=samples, profiles={"x": (shape, shape, shape)})
    assert tuple(engine(samples[:1]).shape) == (1, 4, 17, 23)
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(written, providers=["CPUExecutionProvider"])
    assert sqnr(engine(samples[:1]), session.run(None, {"x": samples[:1]})[0]) > 30
