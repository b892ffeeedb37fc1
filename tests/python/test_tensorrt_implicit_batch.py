"""Networks with TensorRT 7's implicit batch."""

import numpy as np
import pytest
import xinfer
import xinfer.cuda as cuda
import xinfer.tensorrt as trt


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
        memory = [cuda.to_device(data), cuda.mem_alloc(3 * 5 * 4)]
        assert context.execute(3, memory)
        if flags == 0:
            assert tuple(context.get_binding_shape(1)) == (5, 1, 1)
            assert not context.execute(5, memory)  # more than max_batch_size
        results.append(cuda.from_device(memory[1], (3, 5, 1, 1), np.float32))
    np.testing.assert_array_equal(*results)
    assert np.allclose(results[0].sum(axis=1), 1, atol=1e-5)


def test_engines_with_an_implicit_batch_are_refitted(tensorrt_7):
    logger = trt.Logger(trt.Logger.INTERNAL_ERROR)
    builder = trt.Builder(logger)
    builder.max_batch_size = 4
    network = builder.create_network()
    weights = np.random.default_rng(8).normal(size=(2, 3)).astype(np.float32)
    layer = network.add_fully_connected(network.add_input("x", trt.float32, (3, 1, 1)), 2, weights)
    layer.name = "dense"
    network.mark_output(layer.get_output(0))
    config = builder.create_builder_config()
    config.set_flag(trt.BuilderFlag.REFIT)
    built = bytes(builder.build_engine(network, config).serialize())
    engine = trt.Runtime(logger).deserialize_cuda_engine(built)
    refitter = trt.Refitter(engine, logger)
    assert refitter.set_weights("dense", trt.WeightsRole.KERNEL, 3 * weights) and refitter.refit_cuda_engine()
    x = np.ones((4, 3, 1, 1), np.float32)
    assert engine.has_implicit_batch_dimension
    memory = [cuda.to_device(x), cuda.mem_alloc(4 * 2 * 4)]
    assert engine.create_execution_context().execute(4, memory)
    y = cuda.from_device(memory[1], (4, 2), np.float32)
    np.testing.assert_allclose(y, x[..., 0, 0] @ (3 * weights).T, rtol=1e-5)


def test_what_an_implicit_batch_cannot_express_is_refused(tensorrt_7):
    network = trt.Builder(trt.Logger(trt.Logger.INTERNAL_ERROR)).create_network()
    data = network.add_input("data", trt.float32, (2, 3))
    constant = network.add_constant((2, 3), np.ones((2, 3), np.float32)).get_output(0)
    joined = network.add_concatenation([data, constant])
    with pytest.raises(xinfer.UnsupportedError, match="implicit batch; supported: create_network"):
        _ = joined.get_output(0).shape
