"""The calibrator classes, and the bridge from their device pointers to the library's arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from xinfer._errors import InvalidArgumentError
from xinfer.cuda import _memory
from xinfer.cuda._arrays import address_of
from xinfer.tensorrt._basics import Severity, nptype, say, volume
from xinfer.tensorrt._enums import CalibrationAlgoType, DataType


class IInt8Calibrator:
    """Base of the calibrators. Subclasses call `__init__` and override the methods below.

    An exception from any of them ends the build and reaches its caller.
    """

    _ALGORITHM: CalibrationAlgoType | None = None

    def __init__(self) -> None:
        self._initialised = True

    def get_batch_size(self) -> int:
        """Samples in every batch."""
        raise NotImplementedError(f"{type(self).__name__}.get_batch_size is not overridden")

    def get_batch(self, names: list[str]) -> list[int] | None:
        """Device pointers of the next batch in the order of `names`; None or [] at the end."""
        raise NotImplementedError(f"{type(self).__name__}.get_batch is not overridden")

    def read_calibration_cache(self) -> Any:
        """A cache's bytes, which skip the batches, or None."""
        return None

    def write_calibration_cache(self, cache: memoryview) -> None:
        """Receives the cache after calibration."""

    def get_algorithm(self) -> CalibrationAlgoType:
        if self._ALGORITHM is None:
            raise NotImplementedError(f"{type(self).__name__}.get_algorithm is not overridden")
        return self._ALGORITHM


class IInt8LegacyCalibrator(IInt8Calibrator):
    """Ranges from a quantile, with a cutoff that regression chooses."""

    _ALGORITHM = CalibrationAlgoType.LEGACY_CALIBRATION

    def get_quantile(self) -> float:
        return 0.9999

    def get_regression_cutoff(self) -> float:
        return 1.0

    def read_histogram_cache(self, length: int) -> Any:
        return None

    def write_histogram_cache(self, ptr: Any, length: int) -> None:
        pass


class IInt8EntropyCalibrator(IInt8Calibrator):
    """Ranges of least KL divergence, TensorRT's first form."""

    _ALGORITHM = CalibrationAlgoType.ENTROPY_CALIBRATION


class IInt8EntropyCalibrator2(IInt8Calibrator):
    """Ranges of least KL divergence: what most scripts use."""

    _ALGORITHM = CalibrationAlgoType.ENTROPY_CALIBRATION_2


class IInt8MinMaxCalibrator(IInt8Calibrator):
    """Ranges that hold every value."""

    _ALGORITHM = CalibrationAlgoType.MINMAX_CALIBRATION


_NAMES = {
    CalibrationAlgoType.ENTROPY_CALIBRATION: "entropy",
    CalibrationAlgoType.ENTROPY_CALIBRATION_2: "entropy2",
    CalibrationAlgoType.MINMAX_CALIBRATION: "minmax",
}


class Bridge:
    """A TensorRT calibrator as the library's build takes one."""

    def __init__(
        self,
        calibrator: IInt8Calibrator,
        shapes: dict[str, Sequence[int]],
        dtypes: dict[str, DataType],
        logger: Any,
    ) -> None:
        """`shapes` of the inputs; the first dimension becomes the calibrator's batch size, no other
        may be -1."""
        self._calibrator, self._shapes, self._dtypes, self._logger = calibrator, shapes, dtypes, logger
        self._batches = 0
        self.cache: bytes | None = None  # what was read or written

    def batch_size(self) -> int:
        size = self._calibrator.get_batch_size()
        if not isinstance(size, (int, numpy.integer)) or size < 1:
            raise InvalidArgumentError(
                f"{type(self._calibrator).__name__}.get_batch_size returned {size!r}; needed: 1 or more"
            )
        return int(size)

    def algorithm(self) -> str:
        kind = self._calibrator.get_algorithm()
        if kind == CalibrationAlgoType.LEGACY_CALIBRATION:
            legacy = self._calibrator
            if not hasattr(legacy, "get_quantile"):
                return "legacy"
            return f"legacy:{legacy.get_quantile()}:{legacy.get_regression_cutoff()}"
        return _NAMES[kind]

    def sample_count(self) -> int | None:
        return None

    def next_batch(self, names: list[str]) -> list[numpy.ndarray] | None:
        pointers = self._calibrator.get_batch(list(names))
        if pointers is None or len(pointers) == 0:
            return None
        label = f"{type(self._calibrator).__name__}.get_batch"
        if len(pointers) != len(names):
            raise InvalidArgumentError(
                f"{label} returned {len(pointers)} pointers; needed: one for each of {list(names)}"
            )
        self._batches += 1
        return [
            self._array(name, pointer, f'{label}: batch {self._batches}, input "{name}"')
            for name, pointer in zip(names, pointers, strict=True)
        ]

    def read_cache(self) -> bytes | None:
        cache = self._calibrator.read_calibration_cache()
        if cache is None or len(cache) == 0:
            return None
        say(self._logger, Severity.INFO, "calibration skipped: the calibrator's cache is used")
        self.cache = bytes(cache)
        return self.cache

    def write_cache(self, cache: bytes) -> None:
        self.cache = cache
        self._calibrator.write_calibration_cache(memoryview(cache))

    def keeps_cache(self) -> bool:
        """Whether or not the script keeps it: a build from the cache gives this build's bytes."""
        return True

    def _array(self, name: str, pointer: Any, what: str) -> numpy.ndarray:
        """A copy of the batch: the script may overwrite its buffer for the next one."""
        if isinstance(pointer, numpy.ndarray):
            raise InvalidArgumentError(
                f"{what}: a NumPy array; needed: a device pointer (mem_alloc and memcpy_htod)"
            )
        try:
            address = address_of(pointer)
        except TypeError as error:
            raise InvalidArgumentError(f"{what}: {error}") from None
        shape = (self.batch_size(), *self._shapes[name][1:])
        dtype = numpy.dtype(nptype(self._dtypes[name]))
        size = volume(shape) * dtype.itemsize
        _check_declared(pointer, dtype, shape, what)
        try:
            _memory.registry.check(address, size, what)
        except _memory.MemoryError_ as error:
            raise InvalidArgumentError(
                f"{error} (the batch is {dtype}{list(shape)}, {size} bytes)"
            ) from None
        batch = numpy.empty(shape, dtype)
        _memory.registry.backend.copy(batch.ctypes.data, address, size)
        return batch


def _check_declared(pointer: Any, dtype: numpy.dtype, shape: tuple[int, ...], what: str) -> None:
    """Raises if an object that says its elements' type and number (a PyTorch tensor, a CuPy array, a
    Numba device array) says others than the batch has. A plain address says nothing."""
    interface = getattr(pointer, "__cuda_array_interface__", None)
    if interface is not None:
        found, sizes = numpy.dtype(interface["typestr"]).name, tuple(interface["shape"])
    elif hasattr(pointer, "data_ptr"):
        found, sizes = str(pointer.dtype).rpartition(".")[2], tuple(pointer.shape)
    else:
        return
    if found != dtype.name or volume(sizes) != volume(shape):
        raise InvalidArgumentError(f"{what}: {found}{list(sizes)}; needed: {dtype}{list(shape)}")
