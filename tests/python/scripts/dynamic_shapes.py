"""A network with a dynamic height and width, calibrated through a calibration profile."""

import numpy as np
import pycuda.autoinit  # noqa: F401
import pycuda.driver as cuda
import tensorrt as trt

logger = trt.Logger(trt.Logger.WARNING)
builder = trt.Builder(logger)
network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH))
image = network.add_input("image", trt.float32, (-1, 3, -1, -1))
weights = np.random.default_rng(0).normal(0, 0.2, (6, 3, 3, 3)).astype(np.float32)
conv = network.add_convolution_nd(image, 6, (3, 3), weights, np.zeros(6, np.float32))
conv.padding_nd = (1, 1)
relu = network.add_activation(conv.get_output(0), trt.ActivationType.RELU)
mean = network.add_reduce(relu.get_output(0), trt.ReduceOperation.AVG, (1 << 2) | (1 << 3), False)
mean.get_output(0).name = "features"
network.mark_output(mean.get_output(0))
assert relu.get_output(0).shape == (-1, 6, -1, -1)


class Calibrator(trt.IInt8EntropyCalibrator2):
    def __init__(self):
        super().__init__()
        self.left = 10
        self.memory = cuda.mem_alloc(2 * 3 * 16 * 16 * 4)

    def get_batch_size(self):
        return 2

    def get_batch(self, names):
        assert names == ["image"]
        self.left -= 1
        if self.left < 0:
            return None
        cuda.memcpy_htod(self.memory, np.random.default_rng(self.left).random((2, 3, 16, 16), np.float32))
        return [self.memory]

    def read_calibration_cache(self):
        return None

    def write_calibration_cache(self, cache):
        open("dynamic.cache", "wb").write(bytes(cache))


config = builder.create_builder_config()
config.set_flag(trt.BuilderFlag.INT8)
config.int8_calibrator = Calibrator()
profile = builder.create_optimization_profile()
profile.set_shape("image", min=(1, 3, 8, 8), opt=(2, 3, 16, 16), max=(4, 3, 32, 32))
config.add_optimization_profile(profile)
config.set_calibration_profile(profile)
engine = builder.build_engine_with_config(network, config)
assert engine is not None
context = engine.create_execution_context()
stream = cuda.Stream()
for shape in ((1, 3, 8, 8), (3, 3, 24, 32)):
    assert context.set_input_shape("image", shape)
    assert context.get_tensor_shape("features") == (shape[0], 6)
    x = np.random.default_rng(1).random(shape, np.float32)
    y = np.empty((shape[0], 6), np.float32)
    device_x, device_y = cuda.to_device(x), cuda.mem_alloc(y.nbytes)
    context.set_tensor_address("image", int(device_x))
    context.set_tensor_address("features", int(device_y))
    assert context.execute_async_v3(stream.handle)
    stream.synchronize()
    cuda.memcpy_dtoh(y, device_y)
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (2, 3))
    expected = np.maximum(np.einsum("nchwij,ocij->nohw", windows, weights), 0).mean((2, 3))
    assert np.abs(y - expected).max() < 0.05 * np.abs(expected).max(), np.abs(y - expected).max()
