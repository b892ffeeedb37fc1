"""INT8 engines from trained ONNX models: calibrate, build, run, evaluate.

::

    import xinfer
    engine = xinfer.build("model.onnx", "model.engine", calib="images/", preprocess="imagenet")
    scores = engine(batch)

`xinfer.tensorrt` offers the names that TensorRT's INT8 scripts use, `xinfer.cuda` those of pycuda.
"""

from xinfer._build import build, calibrate, evaluate, quantize
from xinfer._calibrator import Calibrator
from xinfer._core import Network, __version__, cpu_count, cpu_instruction_sets, cpu_name
from xinfer._engine import Engine
from xinfer._errors import (
    DeviceError,
    Error,
    IncompatibleEngineError,
    InternalError,
    InvalidArgumentError,
    InvalidModelError,
    IoError,
    OutOfMemoryError,
    UnsupportedError,
)
from xinfer._info import (
    Accuracy,
    Binding,
    BuildReport,
    CacheInfo,
    EngineInfo,
    Evaluation,
    Layer,
    ModelInfo,
    Node,
    Range,
    Step,
    StepTime,
    ValueComparison,
    inspect,
)
from xinfer._progress import ProgressBar

__all__ = [
    "Accuracy",
    "Binding",
    "BuildReport",
    "CacheInfo",
    "Calibrator",
    "DeviceError",
    "Engine",
    "EngineInfo",
    "Error",
    "Evaluation",
    "IncompatibleEngineError",
    "InternalError",
    "InvalidArgumentError",
    "InvalidModelError",
    "IoError",
    "Layer",
    "ModelInfo",
    "Network",
    "Node",
    "OutOfMemoryError",
    "ProgressBar",
    "Range",
    "Step",
    "StepTime",
    "UnsupportedError",
    "ValueComparison",
    "__version__",
    "build",
    "calibrate",
    "cpu_count",
    "cpu_instruction_sets",
    "cpu_name",
    "evaluate",
    "inspect",
    "quantize",
]
