"""Networks by hand: every layer against NumPy, settings that change late, names, errors."""

import math
import subprocess
import sys

import numpy as np
import pytest
import xinfer
import xinfer.cuda as cuda
import xinfer.tensorrt as trt

RANDOM = np.random.default_rng(21)
X = RANDOM.normal(size=(2, 4, 6, 6)).astype(np.float32)


def new_network():
    return trt.Builder(trt.Logger(trt.Logger.ERROR)).create_network(1)


def run(network, *arrays):
    builder = network.builder
    engine = builder.build_engine_with_config(network, builder.create_builder_config())
    assert engine is not None
    context = engine.create_execution_context()
    memory = [cuda.to_device(a) for a in arrays]
    outputs = []
    for name in list(engine)[len(arrays) :]:
        dtype = trt.nptype(engine.get_tensor_dtype(name))
        outputs.append(np.empty(tuple(engine.get_tensor_shape(name)), dtype))
        memory.append(cuda.mem_alloc(outputs[-1].nbytes))
    assert context.execute_v2(memory)
    for array, pointer in zip(outputs, memory[len(arrays) :], strict=True):
        cuda.memcpy_dtoh(array, pointer)
    return outputs[0] if len(outputs) == 1 else outputs


def through(make, x=X):
    """Input, the layer that `make` adds, output."""
    network = new_network()
    layer = make(network, network.add_input("x", trt.float32, x.shape))
    network.mark_output(layer.get_output(0))
    assert tuple(layer.get_output(0).shape) == (y := run(network, x)).shape
    return y


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


ACTIVATIONS = {
    "RELU": lambda x, a, b: np.maximum(x, 0),
    "SIGMOID": lambda x, a, b: sigmoid(x),
    "TANH": lambda x, a, b: np.tanh(x),
    "LEAKY_RELU": lambda x, a, b: np.where(x < 0, a * x, x),
    "ELU": lambda x, a, b: np.where(x < 0, a * np.expm1(x), x),
    "SELU": lambda x, a, b: b * np.where(x < 0, a * np.expm1(x), x),
    "SOFTSIGN": lambda x, a, b: x / (1 + abs(x)),
    "CLIP": lambda x, a, b: np.clip(x, a, b),
    "HARD_SIGMOID": lambda x, a, b: np.clip(a * x + b, 0, 1),
    "SCALED_TANH": lambda x, a, b: a * np.tanh(b * x),
    "THRESHOLDED_RELU": lambda x, a, b: np.where(x > a, x, 0),
    "GELU_ERF": lambda x, a, b: x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2))),
    "GELU_TANH": lambda x, a, b: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name):
    alpha, beta = 0.3, 0.9

    def make(network, x):
        layer = network.add_activation(x, trt.ActivationType.__members__[name])
        layer.alpha, layer.beta = alpha, beta
        return layer

    np.testing.assert_allclose(through(make), ACTIVATIONS[name](X, alpha, beta), rtol=2e-5, atol=2e-6)


def test_softplus():
    y = through(lambda n, x: n.add_activation(x, trt.ActivationType.SOFTPLUS))
    np.testing.assert_allclose(y, np.log1p(np.exp(X)), rtol=1e-5, atol=1e-6)


UNARY = {"EXP": np.exp, "ABS": np.abs, "NEG": np.negative, "FLOOR": np.floor, "SIN": np.sin, "SIGN": np.sign}


@pytest.mark.parametrize("name", UNARY)
def test_unary(name):
    y = through(lambda n, x: n.add_unary(x, trt.UnaryOperation.__members__[name]))
    np.testing.assert_allclose(y, UNARY[name](X), rtol=1e-5, atol=1e-6)


ELEMENTWISE = {"SUM": np.add, "SUB": np.subtract, "PROD": np.multiply, "MAX": np.maximum, "MIN": np.minimum}


@pytest.mark.parametrize("name", [*ELEMENTWISE, "DIV", "FLOOR_DIV"])
def test_elementwise_broadcasts(name):
    other = RANDOM.uniform(0.5, 2, (1, 4, 1, 1)).astype(np.float32)

    def make(network, x):
        constant = network.add_constant(other.shape, other).get_output(0)
        return network.add_elementwise(x, constant, trt.ElementWiseOperation.__members__[name])

    expected = {**ELEMENTWISE, "DIV": np.divide, "FLOOR_DIV": np.floor_divide}[name](X, other)
    np.testing.assert_allclose(through(make), expected, rtol=1e-6, atol=1e-6)


def windows(x, kernel, stride, fill=0.0, pad=0):
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), constant_values=fill)
    view = np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), (2, 3))
    return view[:, :, ::stride, ::stride]


def test_convolution_settings_may_change_until_the_build():
    weights = RANDOM.normal(0, 0.3, (8, 2, 3, 3)).astype(np.float32)
    bias = RANDOM.normal(size=8).astype(np.float32)
    network = new_network()
    layer = network.add_convolution_nd(network.add_input("x", trt.float32, X.shape), 8, (3, 3), weights, bias)
    layer.num_groups = 2
    assert layer.get_output(0).shape == (2, 8, 4, 4)
    layer.stride_nd, layer.padding_nd = (2, 2), (1, 1)
    assert layer.get_output(0).shape == (2, 8, 3, 3)
    layer.padding_mode = trt.PaddingMode.SAME_UPPER
    assert layer.get_output(0).shape == (2, 8, 3, 3)
    layer.padding_mode = trt.PaddingMode.EXPLICIT_ROUND_DOWN
    network.mark_output(layer.get_output(0))
    view = windows(X, 3, 2, pad=1)
    halves = [np.einsum("nchwij,ocij->nohw", view[:, 2 * g : 2 * g + 2], weights[4 * g : 4 * g + 4]) for g in (0, 1)]
    np.testing.assert_allclose(run(network, X), np.concatenate(halves, 1) + bias[:, None, None], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("exclude", [True, False])
def test_average_pooling(exclude):
    def make(network, x):
        layer = network.add_pooling_nd(x, trt.PoolingType.AVERAGE, (2, 2))
        layer.stride_nd, layer.padding_nd, layer.average_count_excludes_padding = (2, 2), (1, 1), exclude
        assert layer.type == trt.PoolingType.AVERAGE
        return layer

    view = windows(X, 2, 2, np.nan, 1)
    expected = np.nanmean(view, (4, 5)) if exclude else np.nansum(view, (4, 5)) / 4
    np.testing.assert_allclose(through(make), expected, rtol=1e-5, atol=1e-6)


def test_scale_channel_and_power():
    scale, shift = RANDOM.normal(size=4).astype(np.float32), RANDOM.normal(size=4).astype(np.float32)
    y = through(lambda n, x: n.add_scale(x, trt.ScaleMode.CHANNEL, shift, scale, None))
    np.testing.assert_allclose(y, X * scale[:, None, None] + shift[:, None, None], rtol=1e-5, atol=1e-6)
    squared = through(lambda n, x: n.add_scale(x, trt.ScaleMode.UNIFORM, power=np.float32([2])))
    np.testing.assert_allclose(squared, X**2, rtol=1e-5)


@pytest.mark.parametrize(
    ("ops", "shapes"),
    [
        (("NONE", "NONE"), ((3, 5), (5, 2))),
        (("TRANSPOSE", "NONE"), ((5, 3), (5, 2))),
        (("NONE", "TRANSPOSE"), ((2, 3, 5), (2, 4, 5))),
        (("NONE", "VECTOR"), ((3, 5), (5,))),
        (("VECTOR", "NONE"), ((5,), (5, 2))),
    ],
)
def test_matrix_multiply(ops, shapes):
    a, b = (RANDOM.normal(size=shape).astype(np.float32) for shape in shapes)
    network = new_network()
    inputs = [network.add_input(name, trt.float32, array.shape) for name, array in (("a", a), ("b", b))]
    kinds = [trt.MatrixOperation.__members__[op] for op in ops]
    layer = network.add_matrix_multiply(inputs[0], kinds[0], inputs[1], kinds[1])
    network.mark_output(layer.get_output(0))
    left = np.swapaxes(a, -1, -2) if ops[0] == "TRANSPOSE" else a
    right = np.swapaxes(b, -1, -2) if ops[1] == "TRANSPOSE" else b
    np.testing.assert_allclose(run(network, a, b), left @ right, rtol=1e-5, atol=1e-5)


def test_reduce_softmax_topk():
    y = through(lambda n, x: n.add_reduce(x, trt.ReduceOperation.MAX, 0b1010, True))
    np.testing.assert_array_equal(y, X.max((1, 3), keepdims=True))
    exp = np.exp(X - X.max(1, keepdims=True))
    np.testing.assert_allclose(through(lambda n, x: n.add_softmax(x)), exp / exp.sum(1, keepdims=True), rtol=1e-5)
    network = new_network()
    layer = network.add_topk(network.add_input("x", trt.float32, X.shape), trt.TopKOperation.MIN, 1, 1 << 3)
    for i in range(layer.num_outputs):
        network.mark_output(layer.get_output(i))
    values, indices = run(network, X)
    np.testing.assert_array_equal(values, X.min(3, keepdims=True))
    np.testing.assert_array_equal(indices, X.argmin(3)[..., None])


def test_movement():
    def shuffle(network, x):
        layer = network.add_shuffle(x)
        layer.first_transpose, layer.reshape_dims, layer.second_transpose = (0, 2, 3, 1), (0, -1, 4), (0, 2, 1)
        return layer

    np.testing.assert_array_equal(through(shuffle), X.transpose(0, 2, 3, 1).reshape(2, 36, 4).transpose(0, 2, 1))
    y = through(lambda n, x: n.add_slice(x, (0, 1, 0, 5), (2, 2, 3, 6), (1, 1, 2, -1)))
    np.testing.assert_array_equal(y, X[:, 1:3, 0:6:2, ::-1])
    y = through(lambda n, x: n.add_padding_nd(x, (1, 0), (-1, 2)))
    np.testing.assert_array_equal(y, np.pad(X, ((0, 0), (0, 0), (1, 0), (0, 2)))[:, :, :-1])
    y = through(lambda n, x: n.add_concatenation([x, n.add_unary(x, trt.UnaryOperation.NEG).get_output(0)]))
    np.testing.assert_array_equal(y, np.concatenate([X, -X], 1))
    rows = np.array([3, 1], np.int32)
    y = through(lambda n, x: n.add_gather(x, n.add_constant((2,), rows).get_output(0), 1))
    np.testing.assert_array_equal(y, X[:, rows])


def test_resize():
    def nearest(network, x):
        layer = network.add_resize(x)
        layer.shape = (2, 4, 12, 12)
        return layer

    np.testing.assert_array_equal(through(nearest), X.repeat(2, 2).repeat(2, 3))

    def linear(network, x):
        layer = network.add_resize(x)
        layer.scales = [1, 1, 2, 2]
        layer.resize_mode = trt.ResizeMode.LINEAR
        layer.coordinate_transformation = trt.ResizeCoordinateTransformation.ALIGN_CORNERS
        return layer

    y = through(linear)
    np.testing.assert_allclose(y[:, :, ::11, ::11], X[:, :, ::5, ::5], rtol=1e-6)


@pytest.mark.parametrize("axes", [(1, 2, 3), (2, 3)])
def test_normalization(axes):
    shape = (1, 4, 6, 6) if axes == (1, 2, 3) else (1, 4, 1, 1)
    scale, bias = (RANDOM.normal(size=shape).astype(np.float32) for _ in range(2))

    def make(network, x):
        tensors = [network.add_constant(shape, w).get_output(0) for w in (scale, bias)]
        return network.add_normalization(x, *tensors, sum(1 << a for a in axes))

    mean, variance = X.mean(axes, keepdims=True), X.var(axes, keepdims=True)
    expected = (X - mean) / np.sqrt(variance + 1e-5) * scale + bias
    np.testing.assert_allclose(through(make), expected, rtol=1e-3, atol=1e-4)


def test_explicit_quantisation_becomes_a_range():
    network = new_network()
    x = network.add_input("x", trt.float32, X.shape)
    scale = network.add_constant((), np.float32(0.05)).get_output(0)
    real = network.add_dequantize(network.add_quantize(x, scale).get_output(0), scale).get_output(0)
    weights = RANDOM.integers(-127, 128, (5, 4, 3, 3)).astype(np.int8)
    steps = RANDOM.uniform(0.01, 0.02, 5).astype(np.float32)
    stored = network.add_constant(weights.shape, weights).get_output(0)
    kernel = network.add_dequantize(stored, network.add_constant((5,), steps).get_output(0))
    conv = network.add_convolution_nd(real, 5, (3, 3), trt.Weights())
    conv.set_input(1, kernel.get_output(0))
    wide = network.add_constant((), np.float32(0.5)).get_output(0)
    again = network.add_quantize(conv.get_output(0), wide).get_output(0)
    network.mark_output(network.add_dequantize(again, wide).get_output(0))
    expected = np.einsum("nchwij,ocij->nohw", windows(X, 3, 1), weights * steps[:, None, None, None])
    np.testing.assert_allclose(run(network, X), expected, rtol=1e-4, atol=1e-4)
    config = network.builder.create_builder_config()
    config.set_flag(trt.BuilderFlag.INT8)
    engine = xinfer.Engine(network.builder.build_serialized_network(network, config))
    assert engine.int8_mac_share == 1
    assert np.abs(engine(X) - expected).max() < 0.05 * np.abs(expected).max()


def test_layers_behind_a_parsed_model(conv_model, samples):
    network = new_network()
    parser = trt.OnnxParser(network, network.logger)
    assert parser.parse(conv_model.SerializeToString())
    assert [layer.name for layer in network][:2] == ["conv1", "relu1"]
    assert network.get_layer(0).type == trt.LayerType.CONVOLUTION and network.get_input(0).shape == (-1, 3, 8, 8)
    network.get_input(0).shape = (4, 3, 8, 8)
    old = network.get_output(0)
    network.unmark_output(old)
    softmax = network.add_softmax(old)
    softmax.axes = 1 << 1
    softmax.get_output(0).name = "probabilities"
    network.mark_output(softmax.get_output(0))
    y = run(network, samples[:4])
    scores = xinfer.build(conv_model, max_batch=4)(samples[:4])
    expected = np.exp(scores - scores.max(1, keepdims=True))
    np.testing.assert_allclose(y, expected / expected.sum(1, keepdims=True), rtol=1e-5)
    with pytest.raises(xinfer.UnsupportedError, match="fixes to"):
        network.get_input(0).shape = (4, 3, 9, 8)
    with pytest.raises(xinfer.UnsupportedError, match="a model brought"):
        network.get_layer(0).stride_nd  # noqa: B018


def test_errors_name_the_layer():
    network = new_network()
    x = network.add_input("x", trt.float32, (1, 4, 6, 6))
    layer = network.add_convolution_nd(x, 3, (3, 3), np.zeros(10, np.float32))
    with pytest.raises(xinfer.InvalidArgumentError, match=r"Unnamed Layer\* 0\) \[Convolution\].*10 weights"):
        layer.get_output(0).shape  # noqa: B018
    with pytest.raises(xinfer.InvalidArgumentError, match='"x"'):
        network.add_input("x", trt.float32, (1,))
    assert not network.builder.is_network_supported(network, network.builder.create_builder_config())


# --- TensorRT 7's implicit batch ---


@pytest.fixture
def tensorrt_7():
    trt.compat_version("7.2.3")
    yield
    trt.compat_version("10.16.0")


def _lenet(network, weights, implicit):
    """TensorRT 7's sample for beginners; its shapes have a batch or not."""
    shape = (1, 12, 12) if implicit else (-1, 1, 12, 12)
    data = network.add_input("data", trt.float32, shape)
    conv = network.add_convolution(data, 4, (3, 3), weights["conv"], weights["conv_bias"])
    conv.stride = (1, 1)
    scaled = network.add_scale(conv.get_output(0), trt.ScaleMode.CHANNEL, scale=weights["scale"])
    pool = network.add_pooling(scaled.get_output(0), trt.PoolingType.MAX, (2, 2))
    pool.stride = (2, 2)
    joined = network.add_concatenation([pool.get_output(0), pool.get_output(0)])
    turned = network.add_shuffle(joined.get_output(0))
    turned.first_transpose = (1, 2, 0) if implicit else (0, 2, 3, 1)
    turned.reshape_dims = (25, 8, 1) if implicit else (0, 25, 8, 1)
    part = network.add_slice(
        turned.get_output(0), *(((0, 0, 0), (20, 8, 1), (1, 1, 1)) if implicit else ((0,) * 4, (-1, 20, 8, 1), (1,) * 4))
    )
    total = network.add_reduce(part.get_output(0), trt.ReduceOperation.SUM, 0b001 if implicit else 0b0010, True)
    dense = network.add_fully_connected(total.get_output(0), 5, weights["dense"], weights["dense_bias"])
    relu = network.add_activation(dense.get_output(0), trt.ActivationType.RELU)
    scores = network.add_softmax(relu.get_output(0))
    scores.axes = 0b001 if implicit else 0b0010
    scores.get_output(0).name = "scores"
    network.mark_output(scores.get_output(0))
    return scores.get_output(0)


def test_a_network_with_an_implicit_batch_equals_the_explicit_one(tensorrt_7):
    rng = np.random.default_rng(7)
    sizes = {"conv": (4, 1, 3, 3), "conv_bias": 4, "scale": 4, "dense": (5, 8), "dense_bias": 5}
    weights = {name: rng.normal(size=size).astype(np.float32) for name, size in sizes.items()}
    data = rng.normal(size=(3, 1, 12, 12)).astype(np.float32)
    results = []
    for flags in (0, 1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH)):
        builder = trt.Builder(trt.Logger(trt.Logger.INTERNAL_ERROR))
        builder.max_batch_size = 4
        network = builder.create_network(flags)
        output = _lenet(network, weights, implicit=flags == 0)
        assert network.has_implicit_batch_dimension == (flags == 0)
        assert tuple(output.shape) == ((5, 1, 1) if flags == 0 else (-1, 5, 1, 1))
        engine = builder.build_cuda_engine(network)
        engine = trt.Runtime(trt.Logger(trt.Logger.INTERNAL_ERROR)).deserialize_cuda_engine(bytes(engine.serialize()))
        assert engine.has_implicit_batch_dimension == (flags == 0)
        assert engine.max_batch_size == (4 if flags == 0 else 1)
        if flags == 0:
            assert tuple(engine.get_binding_shape(0)) == (1, 12, 12)
            assert tuple(engine.get_binding_shape("scores")) == (5, 1, 1)
        context = engine.create_execution_context()
        scores = np.zeros((3, 5, 1, 1), np.float32)
        assert context.execute(3, [data.ctypes.data, scores.ctypes.data])
        if flags == 0:
            assert tuple(context.get_binding_shape(1)) == (5, 1, 1)
            assert not context.execute(5, [data.ctypes.data, scores.ctypes.data])  # more than max_batch_size
        results.append(scores)
    np.testing.assert_array_equal(*results)
    assert np.allclose(results[0].sum(axis=1), 1, atol=1e-5)


def test_what_an_implicit_batch_cannot_express_is_refused(tensorrt_7):
    network = trt.Builder(trt.Logger(trt.Logger.INTERNAL_ERROR)).create_network()
    data = network.add_input("data", trt.float32, (2, 3))
    constant = network.add_constant((2, 3), np.ones((2, 3), np.float32)).get_output(0)
    joined = network.add_concatenation([data, constant])
    with pytest.raises(xinfer.UnsupportedError, match="implicit batch; supported: create_network"):
        _ = joined.get_output(0).shape


# --- refitting ---


def _refittable(flags=(trt.BuilderFlag.REFIT,)):
    """x [2, 4, 6, 6] through a convolution, a scale and a constant's sum: network, configuration, weights."""
    weights = {
        "kernel": RANDOM.normal(size=(3, 4, 3, 3)).astype(np.float32),
        "bias": RANDOM.normal(size=3).astype(np.float32),
        "scale": RANDOM.normal(size=3).astype(np.float32),
        "sum": RANDOM.normal(size=(1, 3, 1, 1)).astype(np.float32),
    }
    network = new_network()
    x = network.add_input("x", trt.float32, X.shape)
    conv = network.add_convolution_nd(x, 3, (3, 3), weights["kernel"], weights["bias"])
    conv.name = "conv"
    scale = network.add_scale(conv.get_output(0), trt.ScaleMode.CHANNEL, scale=weights["scale"])
    scale.name = "scale"
    constant = network.add_constant((1, 3, 1, 1), weights["sum"])
    total = network.add_elementwise(scale.get_output(0), constant.get_output(0), trt.ElementWiseOperation.SUM)
    network.mark_output(total.get_output(0))
    network.set_weights_name(weights["kernel"], "conv.weight")
    config = network.builder.create_builder_config()
    for flag in flags:
        config.set_flag(flag)
    return network, config, constant.name, weights


def _outputs(context):
    y = np.empty((2, 3, 4, 4), np.float32)
    assert context.execute_v2([X.ctypes.data, y.ctypes.data])
    return y


def test_a_refitted_engine_equals_one_that_was_built_with_the_weights():
    network, config, constant, _ = _refittable()
    built = network.builder.build_serialized_network(network, config)
    engine = trt.Runtime(trt.Logger()).deserialize_cuda_engine(bytes(built))
    assert engine.refittable
    context = engine.create_execution_context()
    before = _outputs(context)
    refitter = trt.Refitter(engine, trt.Logger(trt.Logger.INTERNAL_ERROR))
    role = trt.WeightsRole
    found = set(zip(*refitter.get_all(), strict=True))
    assert found == {("conv", role.KERNEL), ("conv", role.BIAS), ("scale", role.SCALE), (constant, role.CONSTANT)}
    assert refitter.get_all_weights() == ["conv.weight"]

    other, _, _, weights = _refittable()
    assert refitter.set_named_weights("conv.weight", weights["kernel"])
    assert refitter.set_weights("conv", role.BIAS, trt.Weights(weights["bias"]))
    assert refitter.set_weights("scale", role.SCALE, weights["scale"])
    assert refitter.set_weights(constant, role.CONSTANT, weights["sum"])
    assert refitter.get_missing() == ([], [])
    np.testing.assert_array_equal(_outputs(context), before)  # nothing counts before refit_cuda_engine
    assert refitter.refit_cuda_engine()
    np.testing.assert_array_equal(_outputs(context), run(other, X))
    assert engine.refittable
    np.testing.assert_array_equal(refitter.get_weights_prototype("conv.weight").numpy(), weights["kernel"])


REFITTABLE_SCRIPT = """
import atexit
import numpy as np
import xinfer.tensorrt as trt
from xinfer.tensorrt import _refit

builder = trt.Builder(trt.Logger(trt.Logger.ERROR))
network = builder.create_network(1)
x = network.add_input("x", trt.float32, (1, 3, 4, 4))
conv = network.add_convolution_nd(x, 2, (1, 1), np.ones((2, 3, 1, 1), np.float32))
network.mark_output(conv.get_output(0))
config = builder.create_builder_config()
config.set_flag(trt.BuilderFlag.REFIT)
engine = trt.Runtime(trt.Logger()).deserialize_cuda_engine(builder.build_serialized_network(network, config))
assert engine.refittable and len(_refit._sources) == 1
atexit._run_exitfuncs()
assert not _refit._sources  # later, nanobind would complain of what they hold
"""


def test_what_is_kept_for_refitting_is_freed_at_exit():
    ended = subprocess.run([sys.executable, "-c", REFITTABLE_SCRIPT], capture_output=True, text=True, check=True)
    assert ended.stderr == ""


def test_what_a_refitter_is_given_has_to_fit():
    network, config, _, weights = _refittable()
    engine = network.builder.build_engine_with_config(network, config)
    refitter = trt.Refitter(engine, trt.Logger(trt.Logger.INTERNAL_ERROR))
    assert not refitter.set_weights("conv", trt.WeightsRole.BIAS, weights["scale"][:2])
    assert not refitter.set_weights("conv", trt.WeightsRole.SHIFT, weights["scale"])
    assert not refitter.set_named_weights("conv.bias", weights["bias"])
    assert not refitter.set_weights("conv", trt.WeightsRole.BIAS, weights["bias"].astype(np.float64))
    assert refitter.get_tensors_with_dynamic_range() == []
    with pytest.raises(xinfer.InvalidArgumentError, match="no dynamic range"):
        refitter.get_dynamic_range("x")


def test_only_engines_built_for_it_can_be_refitted():
    network, config, _, _ = _refittable(flags=())
    engine = network.builder.build_engine_with_config(network, config)
    assert not engine.refittable
    with pytest.raises(xinfer.UnsupportedError, match="built with BuilderFlag.REFIT"):
        trt.Refitter(engine, trt.Logger())


def test_dynamic_ranges_are_refitted():
    network, config, _, _ = _refittable(flags=(trt.BuilderFlag.REFIT, trt.BuilderFlag.INT8))
    bound = float(abs(X).max())
    network.get_input(0).dynamic_range = (-bound, bound)
    for layer in network:
        layer.get_output(0).dynamic_range = (-20.0, 20.0)
    engine = network.builder.build_engine_with_config(network, config)
    context = engine.create_execution_context()
    before = _outputs(context)
    refitter = trt.Refitter(engine, trt.Logger())
    assert "x" in refitter.get_tensors_with_dynamic_range()
    assert refitter.get_dynamic_range("x") == pytest.approx((-bound, bound))
    assert refitter.set_dynamic_range("x", (-bound / 8, bound / 8))
    assert refitter.refit_cuda_engine()
    assert abs(_outputs(context) - before).max() > 0.1  # the input is clipped now
    assert refitter.get_dynamic_range("x") == pytest.approx((-bound / 8, bound / 8))


def test_a_model_refits_the_weights_of_its_names(conv_model):
    from onnx import numpy_helper

    logger = trt.Logger(trt.Logger.INTERNAL_ERROR)
    x = np.random.default_rng(3).normal(size=(2, 3, 8, 8)).astype(np.float32)

    def build(model, *flags):
        builder = trt.Builder(logger)
        network = builder.create_network(1)
        assert trt.OnnxParser(network, logger).parse(model.SerializeToString())
        network.get_input(0).shape = x.shape
        config = builder.create_builder_config()
        for flag in flags:
            config.set_flag(flag)
        return builder.build_engine_with_config(network, config)

    def scores(engine):
        y = np.empty((2, 5), np.float32)
        assert engine.create_execution_context().execute_v2([x.ctypes.data, y.ctypes.data])
        return y

    engine = build(conv_model, trt.BuilderFlag.REFIT)
    other = type(conv_model)()
    other.CopyFrom(conv_model)
    for tensor in other.graph.initializer:
        tensor.CopyFrom(numpy_helper.from_array(1.5 * numpy_helper.to_array(tensor), tensor.name))
    refitter = trt.Refitter(engine, logger)
    assert ("conv1", trt.WeightsRole.KERNEL) in set(zip(*refitter.get_all(), strict=True))
    parser = trt.OnnxParserRefitter(refitter, logger)
    assert parser.refit_from_bytes(other.SerializeToString()) and parser.num_errors == 0
    assert refitter.refit_cuda_engine()
    np.testing.assert_array_equal(scores(engine), scores(build(other)))
    del other.graph.initializer[0]
    assert not parser.refit_from_bytes(other.SerializeToString()) and parser.num_errors == 1
