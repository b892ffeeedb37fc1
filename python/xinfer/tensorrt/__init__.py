"""The names of TensorRT's Python bindings, on xinfer.

::

    import xinfer.tensorrt as trt

Names, signatures and conventions are those of version 10.16, and of 8.6 where scripts use them. What has
no counterpart here stands in `WITHOUT_COUNTERPART` with the reason, and raises it. A script that imports
`tensorrt` itself runs unedited by `python -m xinfer.tensorrt SCRIPT`.
"""

from __future__ import annotations

import sys
from typing import Any

from xinfer.tensorrt import _enums
from xinfer.tensorrt._basics import (
    Dims,
    Dims2,
    Dims3,
    Dims4,
    DimsHW,
    IHostMemory,
    ILogger,
    Logger,
    Permutation,
    Weights,
    nptype,
    volume,
)
from xinfer.tensorrt._builder import (
    Builder,
)
from xinfer.tensorrt._calibrators import (
    IInt8Calibrator,
    IInt8EntropyCalibrator,
    IInt8EntropyCalibrator2,
    IInt8LegacyCalibrator,
    IInt8MinMaxCalibrator,
)
from xinfer.tensorrt._config import (
    IBuilderConfig,
    IOptimizationProfile,
    ITimingCache,
    TimingCacheKey,
    TimingCacheValue,
)
from xinfer.tensorrt._context import (
    IExecutionContext,
)
from xinfer.tensorrt._engine import (
    EngineInspector,
    ICudaEngine,
    IRuntimeConfig,
    ISerializationConfig,
)
from xinfer.tensorrt._interfaces import (
    IDebugListener,
    IErrorRecorder,
    IGpuAllocator,
    IGpuAsyncAllocator,
    IOutputAllocator,
    IProfiler,
    IProgressMonitor,
    IStreamReader,
    IStreamReaderV2,
    IStreamWriter,
    IVersionedInterface,
    InterfaceInfo,
    Profiler,
)
from xinfer.tensorrt._layers import (
    ILayer,
)
from xinfer.tensorrt._layers_compute import (
    IActivationLayer,
    IConvolutionLayer,
    IDequantizeLayer,
    IElementWiseLayer,
    IFullyConnectedLayer,
    IMatrixMultiplyLayer,
    INormalizationLayer,
    IParametricReLULayer,
    IPoolingLayer,
    IQuantizeLayer,
    IReduceLayer,
    IScaleLayer,
    ISoftMaxLayer,
    ITopKLayer,
    IUnaryLayer,
)
from xinfer.tensorrt._layers_movement import (
    ICastLayer,
    IConcatenationLayer,
    IConstantLayer,
    IGatherLayer,
    IIdentityLayer,
    IPaddingLayer,
    IResizeLayer,
    ISelectLayer,
    IShapeLayer,
    IShuffleLayer,
    ISliceLayer,
    ISqueezeLayer,
    IUnsqueezeLayer,
)
from xinfer.tensorrt._network import (
    INetworkDefinition,
)
from xinfer.tensorrt._parser import (
    OnnxParser,
    ParserError,
)
from xinfer.tensorrt._plugins import (
    IPluginRegistry,
    get_builder_plugin_registry,
    get_nv_onnx_parser_version,
    get_plugin_registry,
    init_libnvinfer_plugins,
)
from xinfer.tensorrt._refit import (
    OnnxParserRefitter,
    Refitter,
)
from xinfer.tensorrt._runtime import (
    Runtime,
)
from xinfer.tensorrt._tensor import (
    ITensor,
)
from xinfer.tensorrt._enums import *  # noqa: F403
from xinfer.tensorrt._enums import DataType
from xinfer.tensorrt._unsupported import WITHOUT_COUNTERPART, UnsupportedNameError

__version__ = "10.16.0"


def compat_version(version: str) -> None:
    """Lets `__version__` say another version, for scripts that branch on it: "8.6", "10.16.0"."""
    global __version__
    __version__ = version if version.count(".") >= 2 else f"{version}.0"


def __getattr__(name: str) -> Any:
    if name == "tensorrt":  # TensorRT's package holds its bindings under its own name
        return sys.modules[__name__]
    if name in WITHOUT_COUNTERPART:
        raise UnsupportedNameError(f"unsupported: tensorrt.{name}: {WITHOUT_COUNTERPART[name]}")
    raise AttributeError(f"module 'xinfer.tensorrt' has no attribute {name!r}")


float32, float16, bfloat16 = DataType.FLOAT, DataType.HALF, DataType.BF16
int8, int32, int64, uint8 = DataType.INT8, DataType.INT32, DataType.INT64, DataType.UINT8
fp8, int4, fp4, e8m0 = DataType.FP8, DataType.INT4, DataType.FP4, DataType.E8M0
bool = DataType.BOOL  # noqa: A001: TensorRT's name

__all__ = [
    "WITHOUT_COUNTERPART",
    "__version__",
    "compat_version",
    "Builder",
    "Dims",
    "Dims2",
    "Dims3",
    "Dims4",
    "DimsHW",
    "EngineInspector",
    "IActivationLayer",
    "IBuilderConfig",
    "ICastLayer",
    "IConcatenationLayer",
    "IConstantLayer",
    "IConvolutionLayer",
    "ICudaEngine",
    "IDebugListener",
    "IDequantizeLayer",
    "IElementWiseLayer",
    "IErrorRecorder",
    "IExecutionContext",
    "IFullyConnectedLayer",
    "IGatherLayer",
    "IGpuAllocator",
    "IGpuAsyncAllocator",
    "IHostMemory",
    "IIdentityLayer",
    "IInt8Calibrator",
    "IInt8EntropyCalibrator",
    "IInt8EntropyCalibrator2",
    "IInt8LegacyCalibrator",
    "IInt8MinMaxCalibrator",
    "ILayer",
    "ILogger",
    "IMatrixMultiplyLayer",
    "INetworkDefinition",
    "INormalizationLayer",
    "IOptimizationProfile",
    "IOutputAllocator",
    "IPaddingLayer",
    "IParametricReLULayer",
    "IPluginRegistry",
    "IPoolingLayer",
    "IProfiler",
    "IProgressMonitor",
    "IQuantizeLayer",
    "IReduceLayer",
    "IResizeLayer",
    "IRuntimeConfig",
    "IScaleLayer",
    "ISelectLayer",
    "ISerializationConfig",
    "IShapeLayer",
    "IShuffleLayer",
    "ISliceLayer",
    "ISoftMaxLayer",
    "ISqueezeLayer",
    "IStreamReader",
    "IStreamReaderV2",
    "IStreamWriter",
    "IVersionedInterface",
    "InterfaceInfo",
    "ITensor",
    "ITimingCache",
    "ITopKLayer",
    "IUnaryLayer",
    "IUnsqueezeLayer",
    "Logger",
    "OnnxParser",
    "OnnxParserRefitter",
    "ParserError",
    "Permutation",
    "Profiler",
    "Refitter",
    "Runtime",
    "TimingCacheKey",
    "TimingCacheValue",
    "Weights",
    "get_builder_plugin_registry",
    "get_nv_onnx_parser_version",
    "get_plugin_registry",
    "init_libnvinfer_plugins",
    "nptype",
    "volume",
    "bfloat16",
    "bool",
    "e8m0",
    "float16",
    "float32",
    "fp4",
    "fp8",
    "int32",
    "int4",
    "int64",
    "int8",
    "uint8",
    *_enums.__all__,
]
