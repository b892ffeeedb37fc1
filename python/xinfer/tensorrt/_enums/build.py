"""How engines are built: flags, calibration, memory, tactics, timing."""

from __future__ import annotations

from xinfer.tensorrt._enums.base import TrtEnum


class BuilderFlag(TrtEnum):
    FP16 = 0
    INT8 = 1
    DEBUG = 2
    GPU_FALLBACK = 3
    REFIT = 4
    DISABLE_TIMING_CACHE = 5
    TF32 = 6
    SPARSE_WEIGHTS = 7
    SAFETY_SCOPE = 8
    OBEY_PRECISION_CONSTRAINTS = 9
    PREFER_PRECISION_CONSTRAINTS = 10
    DIRECT_IO = 11
    REJECT_EMPTY_ALGORITHMS = 12
    VERSION_COMPATIBLE = 13
    EXCLUDE_LEAN_RUNTIME = 14
    FP8 = 15
    ERROR_ON_TIMING_CACHE_MISS = 16
    BF16 = 17
    DISABLE_COMPILATION_CACHE = 18
    WEIGHTLESS = 19
    STRIP_PLAN = 19
    REFIT_IDENTICAL = 20
    WEIGHT_STREAMING = 21
    INT4 = 22
    REFIT_INDIVIDUAL = 23
    STRICT_NANS = 24
    MONITOR_MEMORY = 25
    FP4 = 26
    EDITABLE_TIMING_CACHE = 27
    DISTRIBUTIVE_INDEPENDENCE = 28
    # TensorRT 8 only
    STRICT_TYPES = 29
    ENABLE_TACTIC_HEURISTIC = 30


class CalibrationAlgoType(TrtEnum):
    LEGACY_CALIBRATION = 0
    ENTROPY_CALIBRATION = 1
    ENTROPY_CALIBRATION_2 = 2
    MINMAX_CALIBRATION = 3


class DeviceType(TrtEnum):
    GPU = 0
    DLA = 1


class EngineCapability(TrtEnum):
    STANDARD = 0
    SAFETY = 1
    DLA_STANDALONE = 2
    # TensorRT 8 only
    DEFAULT = 0
    SAFE_GPU = 1
    SAFE_DLA = 2


class HardwareCompatibilityLevel(TrtEnum):
    NONE = 0
    AMPERE_PLUS = 1
    SAME_COMPUTE_CAPABILITY = 2


class MemoryPoolType(TrtEnum):
    WORKSPACE = 0
    DLA_MANAGED_SRAM = 1
    DLA_LOCAL_DRAM = 2
    DLA_GLOBAL_DRAM = 3
    TACTIC_DRAM = 4
    TACTIC_SHARED_MEMORY = 5


class NetworkDefinitionCreationFlag(TrtEnum):
    EXPLICIT_BATCH = 0
    STRONGLY_TYPED = 1
    PREFER_JIT_PYTHON_PLUGINS = 2
    PREFER_AOT_PYTHON_PLUGINS = 3
    # TensorRT 8 only
    EXPLICIT_PRECISION = 4


class OnnxParserFlag(TrtEnum):
    NATIVE_INSTANCENORM = 0
    ENABLE_UINT8_AND_ASYMMETRIC_QUANTIZATION_DLA = 1
    REPORT_CAPABILITY_DLA = 2
    ENABLE_PLUGIN_OVERRIDE = 3
    ADJUST_FOR_DLA = 4


class PreviewFeature(TrtEnum):
    PROFILE_SHARING_0806 = 0
    ALIASED_PLUGIN_IO_10_03 = 1
    RUNTIME_ACTIVATION_RESIZE_10_10 = 2
    MULTIDEVICE_RUNTIME_10_16 = 3
    # TensorRT 8 only
    FASTER_DYNAMIC_SHAPES_0805 = 4
    DISABLE_EXTERNAL_TACTIC_SOURCES_FOR_CORE_0805 = 5


class ProfilingVerbosity(TrtEnum):
    LAYER_NAMES_ONLY = 0
    NONE = 1
    DETAILED = 2
    # TensorRT 8 only
    DEFAULT = 0
    VERBOSE = 2


class QuantizationFlag(TrtEnum):
    CALIBRATE_BEFORE_FUSION = 0


class RuntimePlatform(TrtEnum):
    SAME_AS_BUILD = 0
    WINDOWS_AMD64 = 1


class TacticSource(TrtEnum):
    CUBLAS = 0
    CUBLAS_LT = 1
    CUDNN = 2
    EDGE_MASK_CONVOLUTIONS = 3
    JIT_CONVOLUTIONS = 4


class TilingOptimizationLevel(TrtEnum):
    NONE = 0
    FAST = 1
    MODERATE = 2
    FULL = 3


__all__ = [
    "BuilderFlag",
    "CalibrationAlgoType",
    "DeviceType",
    "EngineCapability",
    "HardwareCompatibilityLevel",
    "MemoryPoolType",
    "NetworkDefinitionCreationFlag",
    "OnnxParserFlag",
    "PreviewFeature",
    "ProfilingVerbosity",
    "QuantizationFlag",
    "RuntimePlatform",
    "TacticSource",
    "TilingOptimizationLevel",
]
