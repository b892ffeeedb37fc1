"""Several inputs, MinMax, the idiom of transformer encoders: a pointer for each name, in its order."""

import numpy as np
import pycuda.autoinit  # noqa: F401
import pycuda.driver as cuda
import tensorrt as trt


class BertCalibrator(trt.IInt8MinMaxCalibrator):
    def __init__(self, arrays, cache_file, batch_size):
        trt.IInt8MinMaxCalibrator.__init__(self)
        self.arrays, self.cache_file, self.batch_size = arrays, cache_file, batch_size
        self.current_index = 0
        self.num_inputs = len(next(iter(arrays.values())))
        self.device_inputs = {k: cuda.mem_alloc(v[0].nbytes * batch_size) for k, v in arrays.items()}

    def free(self):
        for dinput in self.device_inputs.values():
            dinput.free()

    def get_batch_size(self):
        return self.batch_size

    def get_batch(self, names):
        if self.current_index + self.batch_size > self.num_inputs:
            return None
        for name in names:
            part = self.arrays[name][self.current_index : self.current_index + self.batch_size]
            cuda.memcpy_htod(self.device_inputs[name], np.ascontiguousarray(part))
        self.current_index += self.batch_size
        return [int(self.device_inputs[name]) for name in names]

    def read_calibration_cache(self):
        return None

    def write_calibration_cache(self, cache):
        with open(self.cache_file, "wb") as f:
            f.write(cache)
            f.flush()


random = np.random.default_rng(5)
arrays = {"a": random.normal(size=(100, 6)).astype(np.float32), "b": random.random((100, 4), np.float32)}
logger = trt.Logger(trt.Logger.ERROR)
builder = trt.Builder(logger)
network = builder.create_network(1)
assert trt.OnnxParser(network, logger).parse(open("two_inputs.onnx", "rb").read())
assert [network.get_input(i).name for i in range(network.num_inputs)] == ["a", "b"]
config = builder.create_builder_config()
config.flags = 1 << int(trt.BuilderFlag.INT8)
calibrator = BertCalibrator(arrays, "bert.cache", 10)
config.int8_calibrator = calibrator
plan = builder.build_serialized_network(network, config)
calibrator.free()
lines = dict(line.rsplit(": ", 1) for line in open("bert.cache").read().splitlines()[1:])
scale = np.frombuffer(bytes.fromhex(lines["a"]), ">f4")[0]
assert open("bert.cache").readline() == "TRT-101600-MinMaxCalibration\n"
assert abs(scale * 127 / np.abs(arrays["a"]).max() - 1) < 1e-6
assert trt.Runtime(logger).deserialize_cuda_engine(plan).num_io_tensors == 3
