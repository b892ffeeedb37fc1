"""What only plugins, loops, attention and several devices use: names without a meaning here."""

from __future__ import annotations

from xinfer.tensorrt._enums.base import TrtEnum


class AttentionNormalizationOp(TrtEnum):
    NONE = 0
    SOFTMAX = 1


class CollectiveOperation(TrtEnum):
    ALL_REDUCE = 0
    ALL_GATHER = 1
    BROADCAST = 2
    REDUCE = 3
    REDUCE_SCATTER = 4


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


class KVCacheMode(TrtEnum):
    LINEAR = 0


class LoopOutput(TrtEnum):
    LAST_VALUE = 0
    CONCATENATE = 1
    REVERSE = 2


class MoEActType(TrtEnum):
    NONE = 0
    SILU = 1


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


class QuickPluginCreationRequest(TrtEnum):
    UNKNOWN = 0
    PREFER_JIT = 1
    PREFER_AOT = 2
    STRICT_JIT = 3
    STRICT_AOT = 4


class TensorRTPhase(TrtEnum):
    BUILD = 0
    RUNTIME = 1


class TripLimit(TrtEnum):
    COUNT = 0
    WHILE = 1


__all__ = [
    "AttentionNormalizationOp",
    "CollectiveOperation",
    "DimensionOperation",
    "KVCacheMode",
    "LoopOutput",
    "MoEActType",
    "PluginArgDataType",
    "PluginArgType",
    "PluginCapabilityType",
    "PluginCreatorVersion",
    "PluginFieldType",
    "QuickPluginCreationRequest",
    "TensorRTPhase",
    "TripLimit",
]
