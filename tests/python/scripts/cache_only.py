"""A calibrator that has nothing but a cache, and one whose cache does not exist."""

import os

import tensorrt as trt


class CacheCalibrator(trt.IInt8EntropyCalibrator2):
    def __init__(self, cache_file):
        trt.IInt8EntropyCalibrator2.__init__(self)
        self.cache_file = cache_file

    def get_batch_size(self):
        return 1

    def get_batch(self, names):
        return None

    def read_calibration_cache(self):
        if os.path.exists(self.cache_file):
            with open(self.cache_file, "rb") as f:
                return f.read()

    def write_calibration_cache(self, cache):
        raise AssertionError("a cache that was read is not written")


def build(cache_file, logger=trt.Logger(trt.Logger.INTERNAL_ERROR)):
    builder = trt.Builder(logger)
    network = builder.create_network(1)
    assert trt.OnnxParser(network, logger).parse(open("model.onnx", "rb").read())
    config = builder.create_builder_config()
    config.set_flag(trt.BuilderFlag.INT8)
    config.int8_calibrator = CacheCalibrator(cache_file)
    return builder.build_serialized_network(network, config)


# The cache of another TensorRT version, with a line that the network does not have.
names = ["x", "c1", "r1", "c2", "m", "y", "(Unnamed Layer* 7) [Constant]_output"]
with open("old.cache", "w") as f:
    f.write("TRT-8601-EntropyCalibration2\n" + "".join(f"{name}: 3c800000\n" for name in names))
first, second = build("old.cache"), build("old.cache")
assert first is not None and bytes(first) == bytes(second)
assert build("none.cache") is None  # no samples and no cache: an error, not an engine of random ranges
