"""Loops over layers that set precisions and output types, with OBEY_PRECISION_CONSTRAINTS."""

import json

import numpy as np
import pycuda.autoinit  # noqa: F401
import pycuda.driver as cuda
import tensorrt as trt


class Calibrator(trt.IInt8EntropyCalibrator2):
    def __init__(self):
        trt.IInt8EntropyCalibrator2.__init__(self)
        self.batches = iter(np.load("samples.npy").reshape(4, 8, 3, 8, 8))
        self.memory = cuda.mem_alloc(8 * 3 * 8 * 8 * 4)

    def get_batch_size(self):
        return 8

    def get_batch(self, names):
        try:
            cuda.memcpy_htod(self.memory, next(self.batches))
        except StopIteration:
            return None
        return [self.memory]


def precisions(flag):
    logger = trt.Logger(trt.Logger.ERROR)
    builder = trt.Builder(logger)
    network = builder.create_network(1)
    assert trt.OnnxParser(network, logger).parse(open("model.onnx", "rb").read())
    for layer in network:
        if layer.type == trt.LayerType.CONVOLUTION and layer.name == "conv2":
            layer.precision = trt.float32
            assert layer.precision_is_set
            for i in range(layer.num_outputs):
                layer.set_output_type(i, trt.float32)
        elif layer.type in (trt.LayerType.SHAPE, trt.LayerType.CONSTANT, trt.LayerType.CONCATENATION):
            continue
    config = builder.create_builder_config()
    config.set_flag(trt.BuilderFlag.INT8)
    if flag is not None:
        config.set_flag(flag)
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    config.int8_calibrator = Calibrator()
    engine = builder.build_engine_with_config(network, config)
    inspector = engine.create_engine_inspector()
    layers = json.loads(inspector.get_engine_information(trt.LayerInformationFormat.JSON))["Layers"]
    assert inspector.get_layer_information(0, trt.LayerInformationFormat.ONELINE)
    return {name: layer.get("Precision") for layer in layers for name in layer["Origins"]}


assert precisions(trt.BuilderFlag.OBEY_PRECISION_CONSTRAINTS)["conv2"] == "fp32"
assert precisions(trt.BuilderFlag.PREFER_PRECISION_CONSTRAINTS)["conv2"] == "fp32"
assert precisions(trt.BuilderFlag.STRICT_TYPES)["conv2"] == "fp32"
assert precisions(None)["conv2"] == "int8"
