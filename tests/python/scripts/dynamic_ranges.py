"""INT8 without a calibrator: a range for every tensor, from a table or a loop."""

import numpy as np
import pycuda.autoinit  # noqa: F401
import pycuda.driver as cuda
import tensorrt as trt

logger = trt.Logger(trt.Logger.ERROR)
builder = trt.Builder(logger)
network = builder.create_network(1)
assert trt.OnnxParser(network, logger).parse(open("model.onnx", "rb").read())
samples = np.load("samples.npy")[:2]


def set_ranges(network):
    for i in range(network.num_inputs):
        network.get_input(i).set_dynamic_range(-4.5, 4.5)
    for i in range(network.num_layers):
        layer = network.get_layer(i)
        for j in range(layer.num_outputs):
            tensor = layer.get_output(j)
            tensor.dynamic_range = (-5, 5)
            assert tensor.dynamic_range == (-5, 5)


def run(int8):
    config = builder.create_builder_config()
    if int8:
        config.set_flag(trt.BuilderFlag.INT8)
    profile = builder.create_optimization_profile()
    profile.set_shape("x", (2, 3, 8, 8), (2, 3, 8, 8), (2, 3, 8, 8))
    config.add_optimization_profile(profile)
    engine = builder.build_engine_with_config(network, config)
    y = np.empty((2, 5), np.float32)
    x_memory, y_memory = cuda.to_device(samples), cuda.mem_alloc(y.nbytes)
    assert engine.create_execution_context().execute_v2([x_memory, y_memory])
    cuda.memcpy_dtoh(y, y_memory)
    return y


exact = run(False)
set_ranges(network)
rounded = run(True)
assert 0 < np.abs(rounded - exact).max() < 0.1 * np.abs(exact).max()
