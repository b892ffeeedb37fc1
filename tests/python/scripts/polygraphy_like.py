"""A calibrator made by a function over any base class and any iterable of feed dictionaries."""

import contextlib

import numpy as np
import pycuda.autoinit  # noqa: F401
import pycuda.driver as cuda
import tensorrt as trt


def make_calibrator(data_loader, cache=None, BaseClass=trt.IInt8EntropyCalibrator2, batch_size=None):  # noqa: N803
    class CalibratorClass(BaseClass):
        def __init__(self):
            BaseClass.__init__(self)
            self.device_buffers, self.cache_contents, self.batch_size = {}, None, batch_size or 1
            self.data_loader = iter(data_loader)

        def get_batch_size(self):
            return self.batch_size

        def get_batch(self, names):
            try:
                feed = next(self.data_loader)
            except StopIteration:
                return None
            for name in names:
                array = np.ascontiguousarray(feed[name])
                buffer, size = self.device_buffers.get(name, (None, 0))
                if size < array.nbytes:
                    buffer = cuda.mem_alloc(array.nbytes)
                    self.device_buffers[name] = buffer, array.nbytes
                cuda.memcpy_htod(buffer, array)
            return [int(self.device_buffers[name][0]) for name in names]

        def read_calibration_cache(self):
            if self.cache_contents is None and cache is not None:
                with contextlib.suppress(FileNotFoundError):
                    with open(cache, "rb") as f:
                        self.cache_contents = f.read()
            return self.cache_contents

        def write_calibration_cache(self, cache_contents):
            self.cache_contents = cache_contents.tobytes()
            if cache is not None:
                with open(cache, "wb") as f:
                    f.write(self.cache_contents)

        def get_quantile(self):
            return 0.999

        def get_regression_cutoff(self):
            return 0.999

        def __enter__(self):
            return self

        def __exit__(self, exc_type, exc_value, traceback):
            for buffer, _ in self.device_buffers.values():
                buffer.free()

    CalibratorClass.__name__ = "Calibrator"
    return CalibratorClass()


def build(calibrator):
    logger = trt.Logger(trt.Logger.ERROR)
    builder = trt.Builder(logger)
    network = builder.create_network(1)
    assert trt.OnnxParser(network, logger).parse(open("model.onnx", "rb").read())
    config = builder.create_builder_config()
    config.set_flag(trt.BuilderFlag.INT8)
    with calibrator:
        config.int8_calibrator = calibrator
        return builder.build_serialized_network(network, config)


samples = np.load("samples.npy")
loader = [{"x": samples[i : i + 4]} for i in range(0, len(samples), 4)]
plans = {}
for base in (
    trt.IInt8EntropyCalibrator2,
    trt.IInt8EntropyCalibrator,
    trt.IInt8MinMaxCalibrator,
    trt.IInt8LegacyCalibrator,
):
    cache = f"{base.__name__}.cache"
    plans[base] = build(make_calibrator(loader, cache, base, 4))
    assert plans[base] is not None and plans[base] == build(make_calibrator([], cache, base, 4))
    assert b"Calibration" in open(cache, "rb").readline()
assert plans[trt.IInt8MinMaxCalibrator] != plans[trt.IInt8EntropyCalibrator2]
