"""The usage lines that int8_resnet50.py leaves to its reader: engine and calibration cache into the folder."""

import sys

import int8_resnet50
import numpy as np

cached = "--cached" in sys.argv
if cached:

    def read(self):
        with open("calibration.cache", "rb") as cache:
            return cache.read()

    def get_batch(self, names):
        raise AssertionError("a cache skips calibration")

    int8_resnet50.MyCalibrator.read_calibration_cache = read
    int8_resnet50.MyCalibrator.get_batch = get_batch

calib_data = np.random.default_rng(7).random((12, 3, 224, 224)).astype(np.float32)
engine = int8_resnet50.build_engine("resnet50.onnx", calib_data, batch_size=4)
with open("second.engine" if cached else "first.engine", "wb") as f:
    f.write(engine.serialize())
print("Engine built successfully with INT8 calibration.")
