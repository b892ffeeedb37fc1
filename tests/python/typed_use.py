"""Uses the package as typed code does; read by a type checker, never run."""

import numpy as np
import xinfer
import xinfer.cuda as cuda
import xinfer.tensorrt as trt


def build_and_run(samples: np.ndarray) -> list[str]:
    engine: xinfer.Engine = xinfer.build("model.onnx", calib=samples, max_batch=8, keep={"conv1": "fp32"})
    engine(samples)
    with xinfer.Engine("model.engine", threads=1) as loaded:
        loaded.run({"x": samples}, out=None)
    calibrator = xinfer.Calibrator([samples], algorithm="minmax", cache="ranges.cache")
    xinfer.calibrate("model.onnx", calibrator, "ranges.json")
    agreement: float | None = xinfer.evaluate(engine, "images/", labels="labels.tsv").agreement_percent
    return [f"{layer.name}: {layer.reason} {agreement}" for layer in engine.layers]


class Calibrator(trt.IInt8EntropyCalibrator2):
    def __init__(self, samples: np.ndarray) -> None:
        super().__init__()
        self.memory = cuda.mem_alloc(samples.nbytes)

    def get_batch_size(self) -> int:
        return 1

    def get_batch(self, names: list[str]) -> list[int] | None:
        return [int(self.memory)]


def build_for_tensorrt(samples: np.ndarray) -> trt.ICudaEngine | None:
    logger = trt.Logger(trt.Logger.WARNING)
    builder = trt.Builder(logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH))
    scale = network.add_constant((), np.float32(0.1)).get_output(0)
    x: trt.ITensor = network.add_input("x", trt.float32, (1, 3))
    if scale is not None:
        network.add_quantize(x, scale).axis = 0
    config = builder.create_builder_config()
    config.set_flag(trt.BuilderFlag.INT8)
    config.int8_calibrator = Calibrator(samples)
    serialized: trt.IHostMemory | None = builder.build_serialized_network(network, config)
    return trt.Runtime(logger).deserialize_cuda_engine(serialized)
