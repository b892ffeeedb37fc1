"""TensorRT's enumerations: names and numbers of version 10.16, and the names that 8.6 had besides.

As in TensorRT's bindings `int()` converts, and scripts shift by it: `1 << int(flag)`. Numbers differ
between TensorRT's versions; scripts that write names work with all of them.
"""

from __future__ import annotations

import enum


class TrtEnum(enum.Enum):
    """An enumeration that converts to int but is none, as pybind11's are."""

    def __int__(self) -> int:
        return self.value

    __index__ = __int__

    def __hash__(self) -> int:
        return hash((type(self).__name__, self.value))



class APILanguage(TrtEnum):
    CPP = 0
    PYTHON = 1


class ActivationType(TrtEnum):
    RELU = 0
    SIGMOID = 1
    TANH = 2
    LEAKY_RELU = 3
    ELU = 4
    SELU = 5
    SOFTSIGN = 6
    SOFTPLUS = 7
    CLIP = 8
    HARD_SIGMOID = 9
    SCALED_TANH = 10
    THRESHOLDED_RELU = 11
    GELU_ERF = 12
    GELU_TANH = 13


class AllocatorFlag(TrtEnum):
    RESIZABLE = 0


class AttentionNormalizationOp(TrtEnum):
    NONE = 0
    SOFTMAX = 1


class BoundingBoxFormat(TrtEnum):
    CORNER_PAIRS = 0
    CENTER_SIZES = 1


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


class CollectiveOperation(TrtEnum):
    ALL_REDUCE = 0
    ALL_GATHER = 1
    BROADCAST = 2
    REDUCE = 3
    REDUCE_SCATTER = 4


class CumulativeOperation(TrtEnum):
    SUM = 0


class DataType(TrtEnum):
    FLOAT = 0
    HALF = 1
    INT8 = 2
    INT32 = 3
    BOOL = 4
    UINT8 = 5
    FP8 = 6
    BF16 = 7
    INT64 = 8
    INT4 = 9
    FP4 = 10
    E8M0 = 11

    @property
    def itemsize(self) -> float:
        """Bytes of an element; 4-bit types have half a byte."""
        return _ITEM_BYTES[self.name]



class DeviceType(TrtEnum):
    GPU = 0
    DLA = 1


class DimensionOperation(TrtEnum):
    SUM = 0
    PROD = 1
    MAX = 2
    MIN = 3
    SUB = 4
    EQUAL = 5
    LESS = 6
    FLOOR_DIV = 7
    CEIL_DIV = 8


class ElementWiseOperation(TrtEnum):
    SUM = 0
    PROD = 1
    MAX = 2
    MIN = 3
    SUB = 4
    DIV = 5
    POW = 6
    FLOOR_DIV = 7
    AND = 8
    OR = 9
    XOR = 10
    EQUAL = 11
    GREATER = 12
    LESS = 13


class EngineCapability(TrtEnum):
    STANDARD = 0
    SAFETY = 1
    DLA_STANDALONE = 2
    # TensorRT 8 only
    DEFAULT = 0
    SAFE_GPU = 1
    SAFE_DLA = 2


class EngineStat(TrtEnum):
    TOTAL_WEIGHTS_SIZE = 0
    STRIPPED_WEIGHTS_SIZE = 1


class ErrorCode(TrtEnum):
    SUCCESS = 0
    INTERNAL_ERROR = 1
    MEM_ALLOC_FAILED = 2
    MODEL_DESERIALIZE_FAILED = 3
    INVALID_VALUE = 4
    INVALID_GRAPH = 5
    INVALID_NODE = 6
    UNSUPPORTED_GRAPH = 7
    UNSUPPORTED_NODE = 8
    UNSUPPORTED_NODE_ATTR = 9
    UNSUPPORTED_NODE_INPUT = 10
    UNSUPPORTED_NODE_DATATYPE = 11
    UNSUPPORTED_NODE_DYNAMIC = 12
    UNSUPPORTED_NODE_SHAPE = 13
    REFIT_FAILED = 14


class ErrorCodeTRT(TrtEnum):
    SUCCESS = 0
    UNSPECIFIED_ERROR = 1
    INTERNAL_ERROR = 2
    INVALID_ARGUMENT = 3
    INVALID_CONFIG = 4
    FAILED_ALLOCATION = 5
    FAILED_INITIALIZATION = 6
    FAILED_EXECUTION = 7
    FAILED_COMPUTATION = 8
    INVALID_STATE = 9
    UNSUPPORTED_STATE = 10


class ExecutionContextAllocationStrategy(TrtEnum):
    STATIC = 0
    ON_PROFILE_CHANGE = 1
    USER_MANAGED = 2


class FillOperation(TrtEnum):
    LINSPACE = 0
    RANDOM_UNIFORM = 1
    RANDOM_NORMAL = 2


class GatherMode(TrtEnum):
    DEFAULT = 0
    ELEMENT = 1
    ND = 2


class HardwareCompatibilityLevel(TrtEnum):
    NONE = 0
    AMPERE_PLUS = 1
    SAME_COMPUTE_CAPABILITY = 2


class InterpolationMode(TrtEnum):
    NEAREST = 0
    LINEAR = 1
    CUBIC = 2


class KVCacheMode(TrtEnum):
    LINEAR = 0


class LayerInformationFormat(TrtEnum):
    ONELINE = 0
    JSON = 1


class LayerType(TrtEnum):
    CONVOLUTION = 0
    CAST = 1
    ACTIVATION = 2
    POOLING = 3
    LRN = 4
    SCALE = 5
    SOFTMAX = 6
    DECONVOLUTION = 7
    CONCATENATION = 8
    ELEMENTWISE = 9
    PLUGIN = 10
    UNARY = 11
    PADDING = 12
    SHUFFLE = 13
    REDUCE = 14
    TOPK = 15
    GATHER = 16
    MATRIX_MULTIPLY = 17
    RAGGED_SOFTMAX = 18
    CONSTANT = 19
    IDENTITY = 20
    PLUGIN_V2 = 21
    SLICE = 22
    SHAPE = 23
    PARAMETRIC_RELU = 24
    RESIZE = 25
    TRIP_LIMIT = 26
    RECURRENCE = 27
    ITERATOR = 28
    LOOP_OUTPUT = 29
    SELECT = 30
    FILL = 31
    QUANTIZE = 32
    DEQUANTIZE = 33
    CONDITION = 34
    CONDITIONAL_INPUT = 35
    CONDITIONAL_OUTPUT = 36
    SCATTER = 37
    EINSUM = 38
    ASSERTION = 39
    ONE_HOT = 40
    NON_ZERO = 41
    GRID_SAMPLE = 42
    NMS = 43
    REVERSE_SEQUENCE = 44
    NORMALIZATION = 45
    PLUGIN_V3 = 46
    SQUEEZE = 47
    UNSQUEEZE = 48
    CUMULATIVE = 49
    DYNAMIC_QUANTIZE = 50
    ATTENTION_INPUT = 51
    ATTENTION_OUTPUT = 52
    ROTARY_EMBEDDING = 53
    KV_CACHE_UPDATE = 54
    MOE = 55
    DIST_COLLECTIVE = 56
    # TensorRT 8 only
    FULLY_CONNECTED = 57


class LoopOutput(TrtEnum):
    LAST_VALUE = 0
    CONCATENATE = 1
    REVERSE = 2


class MatrixOperation(TrtEnum):
    NONE = 0
    TRANSPOSE = 1
    VECTOR = 2


class MemoryPoolType(TrtEnum):
    WORKSPACE = 0
    DLA_MANAGED_SRAM = 1
    DLA_LOCAL_DRAM = 2
    DLA_GLOBAL_DRAM = 3
    TACTIC_DRAM = 4
    TACTIC_SHARED_MEMORY = 5


class MoEActType(TrtEnum):
    NONE = 0
    SILU = 1


class NetworkDefinitionCreationFlag(TrtEnum):
    EXPLICIT_BATCH = 0
    STRONGLY_TYPED = 1
    PREFER_JIT_PYTHON_PLUGINS = 2
    PREFER_AOT_PYTHON_PLUGINS = 3


class OnnxParserFlag(TrtEnum):
    NATIVE_INSTANCENORM = 0
    ENABLE_UINT8_AND_ASYMMETRIC_QUANTIZATION_DLA = 1
    REPORT_CAPABILITY_DLA = 2
    ENABLE_PLUGIN_OVERRIDE = 3
    ADJUST_FOR_DLA = 4


class PaddingMode(TrtEnum):
    EXPLICIT_ROUND_DOWN = 0
    EXPLICIT_ROUND_UP = 1
    SAME_UPPER = 2
    SAME_LOWER = 3
    # TensorRT 8 only
    CAFFE_ROUND_DOWN = 4
    CAFFE_ROUND_UP = 5


class PluginArgDataType(TrtEnum):
    INT8 = 0
    INT16 = 1
    INT32 = 2


class PluginArgType(TrtEnum):
    INT = 0


class PluginCapabilityType(TrtEnum):
    CORE = 0
    BUILD = 1
    RUNTIME = 2


class PluginCreatorVersion(TrtEnum):
    V1 = 0
    V1_PYTHON = 64


class PluginFieldType(TrtEnum):
    FLOAT16 = 0
    FLOAT32 = 1
    FLOAT64 = 2
    INT8 = 3
    INT16 = 4
    INT32 = 5
    CHAR = 6
    DIMS = 7
    UNKNOWN = 8
    BF16 = 9
    INT64 = 10
    FP8 = 11
    INT4 = 12
    FP4 = 13


class PoolingType(TrtEnum):
    MAX = 0
    AVERAGE = 1
    MAX_AVERAGE_BLEND = 2


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


class QuickPluginCreationRequest(TrtEnum):
    UNKNOWN = 0
    PREFER_JIT = 1
    PREFER_AOT = 2
    STRICT_JIT = 3
    STRICT_AOT = 4


class ReduceOperation(TrtEnum):
    SUM = 0
    PROD = 1
    MAX = 2
    MIN = 3
    AVG = 4
    NONE = 5


class ResizeCoordinateTransformation(TrtEnum):
    ALIGN_CORNERS = 0
    ASYMMETRIC = 1
    HALF_PIXEL = 2


class ResizeRoundMode(TrtEnum):
    HALF_UP = 0
    HALF_DOWN = 1
    FLOOR = 2
    CEIL = 3


class ResizeSelector(TrtEnum):
    FORMULA = 0
    UPPER = 1


class RuntimePlatform(TrtEnum):
    SAME_AS_BUILD = 0
    WINDOWS_AMD64 = 1


class SampleMode(TrtEnum):
    STRICT_BOUNDS = 0
    WRAP = 1
    CLAMP = 2
    FILL = 3
    REFLECT = 4


class ScaleMode(TrtEnum):
    UNIFORM = 0
    CHANNEL = 1
    ELEMENTWISE = 2


class ScatterMode(TrtEnum):
    ELEMENT = 0
    ND = 1


class SeekPosition(TrtEnum):
    SET = 0
    CUR = 1
    END = 2


class SerializationFlag(TrtEnum):
    EXCLUDE_WEIGHTS = 0
    EXCLUDE_LEAN_RUNTIME = 1
    INCLUDE_REFIT = 2


class TacticSource(TrtEnum):
    CUBLAS = 0
    CUBLAS_LT = 1
    CUDNN = 2
    EDGE_MASK_CONVOLUTIONS = 3
    JIT_CONVOLUTIONS = 4


class TempfileControlFlag(TrtEnum):
    ALLOW_IN_MEMORY_FILES = 0
    ALLOW_TEMPORARY_FILES = 1


class TensorFormat(TrtEnum):
    LINEAR = 0
    CHW2 = 1
    HWC8 = 2
    CHW4 = 3
    CHW16 = 4
    CHW32 = 5
    DHWC8 = 6
    CDHW32 = 7
    HWC = 8
    DLA_LINEAR = 9
    DLA_HWC4 = 10
    HWC16 = 11
    DHWC = 12


class TensorIOMode(TrtEnum):
    NONE = 0
    INPUT = 1
    OUTPUT = 2


class TensorLocation(TrtEnum):
    DEVICE = 0
    HOST = 1


class TensorRTPhase(TrtEnum):
    BUILD = 0
    RUNTIME = 1


class TilingOptimizationLevel(TrtEnum):
    NONE = 0
    FAST = 1
    MODERATE = 2
    FULL = 3


class TopKOperation(TrtEnum):
    MAX = 0
    MIN = 1


class TripLimit(TrtEnum):
    COUNT = 0
    WHILE = 1


class UnaryOperation(TrtEnum):
    EXP = 0
    LOG = 1
    SQRT = 2
    RECIP = 3
    ABS = 4
    NEG = 5
    SIN = 6
    COS = 7
    TAN = 8
    SINH = 9
    COSH = 10
    ASIN = 11
    ACOS = 12
    ATAN = 13
    ASINH = 14
    ACOSH = 15
    ATANH = 16
    CEIL = 17
    FLOOR = 18
    ERF = 19
    NOT = 20
    SIGN = 21
    ROUND = 22
    ISINF = 23
    ISNAN = 24


class WeightsRole(TrtEnum):
    KERNEL = 0
    BIAS = 1
    SHIFT = 2
    SCALE = 3
    CONSTANT = 4
    ANY = 5


_ITEM_BYTES = {
    "FLOAT": 4,
    "HALF": 2,
    "BF16": 2,
    "INT8": 1,
    "INT32": 4,
    "INT64": 8,
    "BOOL": 1,
    "UINT8": 1,
    "FP8": 1,
    "INT4": 0.5,
    "FP4": 0.5,
    "E8M0": 1,
}

ResizeMode = InterpolationMode  # TensorRT 8's name

__all__ = [
    "APILanguage",
    "ActivationType",
    "AllocatorFlag",
    "AttentionNormalizationOp",
    "BoundingBoxFormat",
    "BuilderFlag",
    "CalibrationAlgoType",
    "CollectiveOperation",
    "CumulativeOperation",
    "DataType",
    "DeviceType",
    "DimensionOperation",
    "ElementWiseOperation",
    "EngineCapability",
    "EngineStat",
    "ErrorCode",
    "ErrorCodeTRT",
    "ExecutionContextAllocationStrategy",
    "FillOperation",
    "GatherMode",
    "HardwareCompatibilityLevel",
    "InterpolationMode",
    "KVCacheMode",
    "LayerInformationFormat",
    "LayerType",
    "LoopOutput",
    "MatrixOperation",
    "MemoryPoolType",
    "MoEActType",
    "NetworkDefinitionCreationFlag",
    "OnnxParserFlag",
    "PaddingMode",
    "PluginArgDataType",
    "PluginArgType",
    "PluginCapabilityType",
    "PluginCreatorVersion",
    "PluginFieldType",
    "PoolingType",
    "PreviewFeature",
    "ProfilingVerbosity",
    "QuantizationFlag",
    "QuickPluginCreationRequest",
    "ReduceOperation",
    "ResizeCoordinateTransformation",
    "ResizeMode",
    "ResizeRoundMode",
    "ResizeSelector",
    "RuntimePlatform",
    "SampleMode",
    "ScaleMode",
    "ScatterMode",
    "SeekPosition",
    "SerializationFlag",
    "TacticSource",
    "TempfileControlFlag",
    "TensorFormat",
    "TensorIOMode",
    "TensorLocation",
    "TensorRTPhase",
    "TilingOptimizationLevel",
    "TopKOperation",
    "TripLimit",
    "UnaryOperation",
    "WeightsRole",
]
