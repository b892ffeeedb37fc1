"""Networks by hand and behind a parsed model: quantised ones, changed inputs, errors that name the layer."""

import numpy as np
import pytest
import xinfer
import xinfer.tensorrt as trt
from conftest import make_model
from networks import X, new_network, run, windows
from onnx import helper

RANDOM = np.random.default_rng(23)


def int8_engine(network):
    config = network.builder.create_builder_config()
    config.set_flag(trt.BuilderFlag.INT8)
    return xinfer.Engine(network.builder.build_serialized_network(network, config))


KERNELS = [RANDOM.normal(0, 0.3, shape).astype(np.float32) for shape in ((5, 4, 3, 3), (3, 5, 1, 1))]
BIAS = RANDOM.normal(size=5).astype(np.float32)
STEPS = [np.abs(kernel).max((1, 2, 3)) / np.float32(127) for kernel in KERNELS]
STORED = np.rint(KERNELS[0] / STEPS[0][:, None, None, None]).astype(np.int8)
SCALES = {"x": np.float32(0.03), "r": np.float32(0.05), "y": np.float32(0.04)}


def quantised_by_hand():
    """x, convolution with int8 weights, ReLU, max pooling, convolution whose weights are quantised here."""
    network = new_network()

    def constant(array):
        return network.add_constant(array.shape, array).get_output(0)

    def through_int8(tensor, scale, axis=None):
        quantize = network.add_quantize(tensor, constant(scale))
        dequantize = network.add_dequantize(quantize.get_output(0), constant(scale))
        if axis is not None:
            quantize.axis = dequantize.axis = axis
        return dequantize.get_output(0)

    def convolution(name, tensor, kernel, size, bias):
        layer = network.add_convolution_nd(tensor, size[0], size[1:], trt.Weights(), bias)
        layer.set_input(1, kernel)
        layer.name = name
        return layer.get_output(0)

    x = network.add_input("x", trt.float32, X.shape)
    stored = network.add_dequantize(constant(STORED), constant(STEPS[0]))
    stored.axis = 0
    first = convolution("conv1", through_int8(x, SCALES["x"]), stored.get_output(0), (5, 3, 3), BIAS)
    relu = network.add_activation(first, trt.ActivationType.RELU)
    pool = network.add_pooling_nd(relu.get_output(0), trt.PoolingType.MAX, (2, 2))
    pool.stride_nd = (2, 2)
    pooled = through_int8(pool.get_output(0), SCALES["r"])
    kernel = through_int8(constant(KERNELS[1]), STEPS[1], axis=0)
    second = convolution("conv2", pooled, kernel, (3, 1, 1), trt.Weights())
    network.mark_output(through_int8(second, SCALES["y"]))
    return network


def quantised_model():
    """The same as ONNX."""
    nodes, weights = [], {"k1": STORED, "k2": KERNELS[1], "bias": BIAS, "s1": STEPS[0], "s2": STEPS[1], **SCALES}
    weights = {name if name not in SCALES else f"scale_{name}": array for name, array in weights.items()}
    zeros = {"": np.int8(0), "s2": np.zeros(3, np.int8)}
    weights.update({f"zero{name}": array for name, array in zeros.items()})

    def add(op, inputs, output, **attributes):
        nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def through_int8(value, scale, zero="zero", **axis):
        add("QuantizeLinear", [value, scale, zero], f"{value}_q", **axis)
        return add("DequantizeLinear", [f"{value}_q", scale, zero], f"{value}_dq", **axis)

    add("DequantizeLinear", ["k1", "s1"], "k1_dq", axis=0)
    add("Conv", [through_int8("x", "scale_x"), "k1_dq", "bias"], "conv1")
    add("Relu", ["conv1"], "r")
    add("MaxPool", ["r"], "pool", kernel_shape=[2, 2], strides=[2, 2])
    add("Conv", [through_int8("pool", "scale_r"), through_int8("k2", "s2", "zeros2", axis=0)], "conv2")
    y = through_int8("conv2", "scale_y")
    return make_model(nodes, [("x", X.shape)], [(y, [2, 3, 2, 2])], weights)


def test_a_network_quantised_by_hand_equals_the_same_model():
    engine, model = int8_engine(quantised_by_hand()), xinfer.build(quantised_model(), device="cpu")
    np.testing.assert_array_equal(engine(X), model(X))
    assert engine.int8_mac_share == model.int8_mac_share == 1
    assert len(np.unique(engine(X))) > 20
    kinds = [[(layer.op, layer.precision) for layer in e.layers] for e in (engine, model)]
    assert kinds[0] == kinds[1]
    view = windows(np.rint(X / SCALES["x"]).clip(-128, 127) * SCALES["x"], 3, 1)
    first = np.einsum("nchwij,ocij->nohw", view, STORED * STEPS[0][:, None, None, None]) + BIAS[:, None, None]
    exact = np.einsum("nchw,oc->nohw", windows(np.maximum(first, 0), 2, 2).max((4, 5)), KERNELS[1][..., 0, 0])
    assert np.abs(engine(X) - exact).max() < 3 * SCALES["y"]


def test_quantised_networks_have_scales_that_fit():
    network = new_network()
    x = network.add_input("x", trt.float32, X.shape)
    one, two = (network.add_constant((), np.float32(size)).get_output(0) for size in (1, 2))
    quantised = network.add_quantize(x, one).get_output(0)
    with pytest.raises(xinfer.UnsupportedError, match="another scale than the Quantize before it, 1.0"):
        network.add_dequantize(quantised, two).get_output(0).shape  # noqa: B018
    network = new_network()
    x = network.add_input("x", trt.float32, X.shape)
    many = network.add_constant((4,), np.ones(4, np.float32)).get_output(0)
    with pytest.raises(xinfer.UnsupportedError, match="an activation per channel"):
        network.add_quantize(x, many).get_output(0).shape  # noqa: B018


def test_integers_of_the_caller_are_dequantised():
    network = new_network()
    x = network.add_input("x", trt.int8, (2, 3))
    scale = network.add_constant((3,), np.float32([0.5, 1, 2])).get_output(0)
    layer = network.add_dequantize(x, scale)
    layer.axis = 1
    network.mark_output(layer.get_output(0))
    values = np.array([[1, -2, 3], [-128, 127, 0]], np.int8)
    np.testing.assert_array_equal(run(network, values), values * np.float32([0.5, 1, 2]))


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


def parsed(model):
    network = new_network()
    assert trt.OnnxParser(network, network.logger).parse(model.SerializeToString())
    network.get_input(0).shape = (4, 3, 8, 8)
    return network


def test_a_parsed_layer_reads_what_it_is_given(conv_model, samples):
    network = parsed(conv_model)
    doubled = network.add_scale(network.get_input(0), trt.ScaleMode.UNIFORM, scale=np.float32([2]))
    network.get_layer(0).set_input(0, doubled.get_output(0))
    assert network.get_layer(0).get_input(0) is doubled.get_output(0)
    np.testing.assert_array_equal(run(network, samples[:4]), xinfer.build(conv_model, max_batch=4)(2 * samples[:4]))


def test_a_parsed_layer_is_left_out_by_its_reader(conv_model, samples):
    network = parsed(conv_model)
    conv, relu, second = (network.get_layer(i) for i in range(3))
    assert [layer.name for layer in (conv, relu, second)] == ["conv1", "relu1", "conv2"]
    second.set_input(0, conv.get_output(0))
    without = type(conv_model)()
    without.CopyFrom(conv_model)
    without.graph.node[2].input[0] = "c1"
    del without.graph.node[1]
    np.testing.assert_array_equal(run(network, samples[:4]), xinfer.build(without, max_batch=4)(samples[:4]))


def test_a_parsed_layer_is_not_given_what_does_not_fit(conv_model):
    network = parsed(conv_model)
    conv, relu = network.get_layer(0), network.get_layer(1)
    with pytest.raises(xinfer.InvalidArgumentError, match='input 5 of layer "conv1", to which the model gave 2'):
        conv.set_input(5, relu.get_output(0))
    conv.set_input(0, relu.get_output(0))
    with pytest.raises(xinfer.InvalidArgumentError, match='"conv1" cannot read what depends on it'):
        relu.get_output(0).shape  # noqa: B018


def test_errors_name_the_layer():
    network = new_network()
    x = network.add_input("x", trt.float32, (1, 4, 6, 6))
    layer = network.add_convolution_nd(x, 3, (3, 3), np.zeros(10, np.float32))
    with pytest.raises(xinfer.InvalidArgumentError, match=r"Unnamed Layer\* 0\) \[Convolution\].*10 weights"):
        layer.get_output(0).shape  # noqa: B018
    with pytest.raises(xinfer.InvalidArgumentError, match='"x"'):
        network.add_input("x", trt.float32, (1,))
    assert not network.builder.is_network_supported(network, network.builder.create_builder_config())
