"""TensorRT 7 idiom: with blocks, max_workspace_size, build_engine, bindings by number."""

import numpy as np
import pycuda.autoinit  # noqa: F401
import pycuda.driver as cuda
import tensorrt as trt

TRT_LOGGER = trt.Logger()


class EntropyCalibrator(trt.IInt8EntropyCalibrator):
    def __init__(self, samples, cache_file):
        super(EntropyCalibrator, self).__init__()
        self.samples, self.cache_file, self.at = samples, cache_file, 0
        self.device_input = cuda.mem_alloc(samples[0].nbytes * self.get_batch_size())

    def get_batch_size(self):
        return 8

    def get_batch(self, names, p_str=None):
        if self.at >= len(self.samples):
            return []
        batch = np.ascontiguousarray(self.samples[self.at : self.at + 8]).ravel()
        cuda.memcpy_htod(self.device_input, batch)
        self.at += 8
        return [int(self.device_input)]

    def read_calibration_cache(self):
        return None

    def write_calibration_cache(self, cache):
        with open(self.cache_file, "wb") as f:
            f.write(cache)


samples = np.load("samples.npy")
explicit_batch = 1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH)
with trt.Builder(TRT_LOGGER) as builder, builder.create_network(explicit_batch) as network, trt.OnnxParser(
    network, TRT_LOGGER
) as parser, builder.create_builder_config() as config:
    config.max_workspace_size = 1 << 30
    builder.max_batch_size = 8
    assert builder.platform_has_fast_int8
    config.set_flag(trt.BuilderFlag.INT8)
    config.int8_calibrator = EntropyCalibrator(samples, "trt7.cache")
    with open("model.onnx", "rb") as model:
        if not parser.parse(model.read()):
            for i in range(parser.num_errors):
                print(parser.get_error(i))
    engine = builder.build_engine(network, config)

with open("trt7.engine", "wb") as f:
    f.write(engine.serialize())
with open("trt7.engine", "rb") as f, trt.Runtime(TRT_LOGGER) as runtime:
    engine = runtime.deserialize_cuda_engine(f.read())

assert engine.num_bindings == 2
with engine.create_execution_context() as context:
    context.set_binding_shape(0, (8, 3, 8, 8))
    assert context.all_binding_shapes_specified
    bindings, output = [], None
    for i in range(engine.num_bindings):
        size = trt.volume(context.get_binding_shape(i)) * np.dtype(trt.nptype(engine.get_binding_dtype(i))).itemsize
        bindings.append(cuda.mem_alloc(size))
        if not engine.binding_is_input(i):
            output = np.empty(context.get_binding_shape(i), trt.nptype(engine.get_binding_dtype(i)))
    cuda.memcpy_htod(bindings[0], samples[:8])
    assert context.execute_v2([int(b) for b in bindings])
    cuda.memcpy_dtoh(output, bindings[1])
assert output.shape == (8, 5) and np.abs(output).sum() > 0
np.save("trt7.npy", output)
