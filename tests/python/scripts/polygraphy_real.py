"""Polygraphy's own Calibrator, EngineFromNetwork and TrtRunner."""

import numpy as np
import tensorrt as trt
from polygraphy.backend.trt import (
    Calibrator,
    CreateConfig,
    EngineFromBytes,
    EngineFromNetwork,
    NetworkFromOnnxPath,
    Profile,
    SaveEngine,
    TrtRunner,
)
from polygraphy.backend.common import BytesFromPath

samples = np.load("samples.npy")


def feeds():
    for batch in np.split(samples, 8):
        yield {"x": batch}


calibrator = Calibrator(data_loader=feeds(), cache="polygraphy.cache", BaseClass=trt.IInt8MinMaxCalibrator)
profile = Profile().add("x", min=(1, 3, 8, 8), opt=(4, 3, 8, 8), max=(8, 3, 8, 8))
config = CreateConfig(int8=True, calibrator=calibrator, profiles=[profile])
build = SaveEngine(EngineFromNetwork(NetworkFromOnnxPath("model.onnx"), config=config), path="polygraphy.engine")
with TrtRunner(build) as runner:
    found = runner.infer({"x": samples[:8]})["y"]
    assert runner.last_inference_time() > 0
with open("polygraphy.cache") as cache:
    assert cache.readline().endswith("MinMaxCalibration\n")

# A second build reads the cache: no batch is asked for.
calibrator = Calibrator(data_loader=[], cache="polygraphy.cache", BaseClass=trt.IInt8MinMaxCalibrator)
config = CreateConfig(int8=True, calibrator=calibrator, profiles=[profile])
with TrtRunner(EngineFromNetwork(NetworkFromOnnxPath("model.onnx"), config=config)) as runner:
    np.testing.assert_array_equal(runner.infer({"x": samples[:8]})["y"], found)

with TrtRunner(EngineFromBytes(BytesFromPath("polygraphy.engine"))) as runner:
    np.testing.assert_array_equal(runner.infer({"x": samples[:8]})["y"], found)
np.save("polygraphy.npy", found)
