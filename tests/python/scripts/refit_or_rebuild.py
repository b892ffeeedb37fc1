"""New weights for an engine: by a refitter where there is one, else by building again from the same cache."""

import numpy as np
import onnx
import tensorrt as trt
from onnx import numpy_helper

LOGGER = trt.Logger(trt.Logger.ERROR)


class CachedCalibrator(trt.IInt8MinMaxCalibrator):
    """Calibrates once; a rebuild reads the cache."""

    def __init__(self, samples):
        super().__init__()
        import pycuda.autoinit  # noqa: F401
        import pycuda.driver as cuda

        self.batches, self.device, self.copy = (
            iter(np.split(samples, 4)),
            cuda.mem_alloc(samples.nbytes),
            cuda.memcpy_htod,
        )
        self.cache, self.calls = None, 0

    def get_batch_size(self):
        return 8

    def get_batch(self, names):
        self.calls += 1
        batch = next(self.batches, None)
        if batch is None:
            return None
        self.copy(self.device, np.ascontiguousarray(batch))
        return [int(self.device)]

    def read_calibration_cache(self):
        return self.cache

    def write_calibration_cache(self, cache):
        self.cache = bytes(cache)


def build(model, calibrator, refittable):
    builder = trt.Builder(LOGGER)
    network = builder.create_network(0)
    assert trt.OnnxParser(network, LOGGER).parse(model.SerializeToString())
    config = builder.create_builder_config()
    config.set_flag(trt.BuilderFlag.INT8)
    if refittable:
        config.set_flag(trt.BuilderFlag.REFIT)
    config.int8_calibrator = calibrator
    return builder.build_engine_with_config(network, config)


calibrator = CachedCalibrator(np.load("samples.npy"))
model = onnx.load("model.onnx")
can_refit = hasattr(trt, "Refitter")
engine = build(model, calibrator, can_refit)
calls = calibrator.calls
assert engine is not None and engine.refittable == can_refit

weights = next(tensor for tensor in model.graph.initializer if tensor.name == "w3")
weights.CopyFrom(numpy_helper.from_array(2 * numpy_helper.to_array(weights), "w3"))
if engine.refittable:
    refitter = trt.Refitter(engine, LOGGER)
    refitter.set_named_weights("w3", trt.Weights(numpy_helper.to_array(weights)))
    assert refitter.refit_cuda_engine()
else:
    engine = build(model, calibrator, False)
    assert engine is not None and calibrator.calls == calls, "the cache skips calibration"
with open("refitted.engine", "wb") as file:
    file.write(engine.serialize())
onnx.save(model, "doubled.onnx")
