"""Small values that everything else uses: dimensions, weights, host memory, loggers, data types."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import numpy

from xinfer._errors import InvalidArgumentError, UnsupportedError
from xinfer.tensorrt._enums import DataType, TrtEnum

_CORE_NAMES = {
    DataType.FLOAT: "float32",
    DataType.HALF: "float16",
    DataType.BF16: "bfloat16",
    DataType.INT8: "int8",
    DataType.INT32: "int32",
    DataType.INT64: "int64",
    DataType.BOOL: "bool",
    DataType.UINT8: "uint8",
}
_FROM_CORE = {name: dtype for dtype, name in _CORE_NAMES.items()}


def core_name(dtype: DataType) -> str:
    """Our name of a data type."""
    if dtype not in _CORE_NAMES:
        raise UnsupportedError(f"unsupported: data type {dtype}; supported: {', '.join(_FROM_CORE)}")
    return _CORE_NAMES[dtype]


def data_type(name: str) -> DataType:
    if name not in _FROM_CORE:
        raise UnsupportedError(f"unsupported: element type {name} has no counterpart in TensorRT")
    return _FROM_CORE[name]


def nptype(trt_type: DataType) -> Any:
    """NumPy's type of a data type; TypeError where NumPy has none."""
    name = _CORE_NAMES.get(trt_type)
    if name is None or name == "bfloat16":
        raise TypeError(f"Could not resolve TensorRT datatype {trt_type} to an equivalent numpy datatype.")
    return numpy.dtype(name).type if name != "bool" else numpy.bool_


def volume(iterable: Iterable[int]) -> int:
    """Product of the dimensions, 1 for a scalar."""
    result = 1
    for size in iterable:
        result *= int(size)
    return result


class ContextManager:
    """`with` works as in TensorRT 8, and warns: objects are freed when their last reference goes."""

    def __enter__(self) -> Any:
        warnings.warn(
            "Context managers for TensorRT types are deprecated. Memory will be freed automatically when "
            "the reference count reaches 0.",
            DeprecationWarning,
            stacklevel=2,
        )
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Dims(tuple):
    """A shape; -1 stands for a dynamic dimension."""

    MAX_DIMS = 8
    _RANK: int | None = None

    def __new__(cls, shape: Any = (), *rest: int) -> Dims:
        """From a sequence, or from the sizes themselves: `DimsHW((2, 3))`, `DimsHW(2, 3)`."""
        sizes = [int(size) for size in ((shape, *rest) if rest or isinstance(shape, int) else shape)]
        if len(sizes) > cls.MAX_DIMS:
            raise InvalidArgumentError(f"{cls.__name__}: {len(sizes)} dimensions; TensorRT has at most 8")
        if cls._RANK is not None and len(sizes) not in (0, cls._RANK):
            raise InvalidArgumentError(f"{cls.__name__}: {len(sizes)} dimensions; needed: {cls._RANK}")
        return super().__new__(cls, sizes or [0] * (cls._RANK or 0))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = tuple.__hash__


class Dims2(Dims):
    _RANK = 2


class DimsHW(Dims2):
    """Height and width."""

    @property
    def h(self) -> int:
        return self[0]

    @property
    def w(self) -> int:
        return self[1]


class Dims3(Dims):
    _RANK = 3


class Dims4(Dims):
    _RANK = 4


class Permutation(tuple):
    """A permutation of axes."""

    def __new__(cls, order: Iterable[int] = ()) -> Permutation:
        return super().__new__(cls, (int(axis) for axis in order))


class Weights:
    """An array of weights. NumPy arrays are taken without a copy and stand for it everywhere."""

    def __init__(self, source: Any = None, *rest: Any) -> None:
        if rest:  # Weights(type, pointer, count)
            import ctypes

            pointer, count = int(rest[0]), int(rest[1])
            kind = numpy.dtype(nptype(source))
            buffer = (ctypes.c_char * (kind.itemsize * count)).from_address(pointer)
            self._array = numpy.frombuffer(buffer, dtype=kind)
        elif isinstance(source, DataType) or source is None:
            self._array = numpy.empty(0, nptype(source or DataType.FLOAT))
        else:
            self._array = numpy.ascontiguousarray(source)
        self._dtype = data_type(str(self._array.dtype))

    @property
    def dtype(self) -> DataType:
        return self._dtype

    @property
    def size(self) -> int:
        return self._array.size

    @property
    def nbytes(self) -> int:
        return self._array.nbytes

    def numpy(self) -> numpy.ndarray:
        return self._array

    def __len__(self) -> int:
        return self._array.size

    def __bool__(self) -> bool:
        return self._array.size > 0


def as_array(weights: Any) -> numpy.ndarray | None:
    """The array behind weights in any form; None for absent ones."""
    if weights is None:
        return None
    array = weights.numpy() if isinstance(weights, Weights) else numpy.ascontiguousarray(weights)
    return array if array.size else None


class IHostMemory(bytes, ContextManager):
    """Bytes in host memory: plain bytes, with TensorRT's names on top."""

    @property
    def nbytes(self) -> int:
        return len(self)

    @property
    def dtype(self) -> DataType:
        return DataType.INT8

    def tobytes(self) -> bytes:
        return bytes(self)


class Severity(TrtEnum):
    """How grave a message is; the gravest is the lowest number."""

    INTERNAL_ERROR = 0
    ERROR = 1
    WARNING = 2
    INFO = 3
    VERBOSE = 4

    def __lt__(self, other: Severity) -> bool:
        return self.value < other.value

    def __le__(self, other: Severity) -> bool:
        return self.value <= other.value

    def __gt__(self, other: Severity) -> bool:
        return self.value > other.value

    def __ge__(self, other: Severity) -> bool:
        return self.value >= other.value


class ILogger(ContextManager):
    """Receives messages: subclass it and override `log`."""

    Severity = Severity
    INTERNAL_ERROR = Severity.INTERNAL_ERROR
    ERROR = Severity.ERROR
    WARNING = Severity.WARNING
    INFO = Severity.INFO
    VERBOSE = Severity.VERBOSE

    def __init__(self) -> None:
        self._said: set[str] = set()

    def log(self, severity: Severity, msg: str) -> None:
        raise NotImplementedError(f"{type(self).__name__}.log is not overridden")


class Logger(ILogger):
    """Prints messages from a severity on to standard error."""

    def __init__(self, min_severity: Severity = Severity.WARNING) -> None:
        super().__init__()
        self.min_severity = min_severity

    def log(self, severity: Severity, msg: str) -> None:
        if severity <= self.min_severity:
            letter = {"INTERNAL_ERROR": "F", "ERROR": "E", "WARNING": "W", "INFO": "I", "VERBOSE": "V"}
            print(f"[xinfer] [{letter[severity.name]}] {msg}", file=sys.stderr)


def say(logger: Any, severity: Severity, message: str, *, once: bool = False) -> None:
    """Logs, a note without effect (`once`) only the first time."""
    if logger is None:
        return
    if once:
        said = logger.__dict__.setdefault("_said", set())
        if message in said:
            return
        said.add(message)
    logger.log(severity, message)


def no_effect(logger: Any, what: str, why: str) -> None:
    """For a hint that is taken and means nothing here."""
    say(logger, Severity.INFO, f"{what} has no effect: {why}", once=True)
