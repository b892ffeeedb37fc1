"""Layers of networks by hand, each against NumPy."""

import math

import numpy as np
import pytest
import xinfer.tensorrt as trt
from networks import X, new_network, run, windows

RANDOM = np.random.default_rng(22)


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
