"""Calibration data from whatever Python has."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy

from xinfer._errors import InvalidArgumentError

ALGORITHMS = ("auto", "entropy2", "entropy", "minmax", "percentile", "mse", "legacy")


class Calibrator:
    """Samples for an INT8 build, and how their ranges are chosen.

    `data` is one of
      - a path: a folder of images, a `.npy` or a `.npz` file (read and preprocessed by the library),
      - an array [N, …]: all samples of a model with one input,
      - a dict of arrays by input name, each [N, …],
      - an iterable of batches, for example a PyTorch DataLoader: each batch is an array, a dict by
        input name, or a tuple or list whose first elements are the inputs (labels behind them are
        ignored).
    Arrays are NumPy arrays or anything with DLPack in host memory.

    Subclasses may override `next_batch`, `read_cache` and `write_cache` instead. An exception from
    any method ends the build and reaches its caller unchanged.
    """

    def __init__(
        self,
        data: Any = None,
        *,
        batch_size: int = 8,
        algorithm: str = "auto",
        cache: str | os.PathLike[str] | None = None,
        count: int = 0,
    ) -> None:
        """`batch_size` cuts arrays into batches; results do not depend on it. `cache` is a file in
        TensorRT's text form: read if it exists, else written. `count` limits the samples, 0 is all."""
        if batch_size < 1:
            raise InvalidArgumentError(f"batch_size is {batch_size}; needed: 1 or more")
        if algorithm.split(":")[0] not in ALGORITHMS:
            raise InvalidArgumentError(f'algorithm "{algorithm}"; needed: one of {", ".join(ALGORITHMS)}')
        self.data = data
        self.cache = None if cache is None else pathlib.Path(cache)
        self.count = count
        self._batch_size, self._algorithm = batch_size, algorithm
        self._batches: Iterator[Any] | None = None
        self._taken = 0

    @property
    def path(self) -> pathlib.Path | None:
        """The folder or file if the library itself reads the samples."""
        if isinstance(self.data, (str, os.PathLike)):
            return pathlib.Path(self.data)
        return None

    # --- what the build calls ---

    def batch_size(self) -> int:
        return self._batch_size

    def algorithm(self) -> str:
        return self._algorithm

    def sample_count(self) -> int | None:
        """Number of samples if it is known, for progress."""
        total = None
        if isinstance(self.data, Mapping) and self.data:
            total = len(next(iter(self.data.values())))
        elif _is_array(self.data):
            total = len(self.data)
        if total is not None and self.count:
            return min(total, self.count)
        return total or self.count or None

    def next_batch(self, names: Sequence[str]) -> list[Any] | None:
        """The next batch as a list in the order of `names`, or None at the end; then it starts again, for
        another build."""
        if self._batches is None:
            self._batches, self._taken = self._iterate(), 0
        batch = None if self.count and self._taken >= self.count else next(self._batches, None)
        if batch is None:
            self._batches = None
            return None
        arrays = _in_order(batch, names)
        if self.count:
            arrays = [array[: self.count - self._taken] for array in arrays]
        self._taken += len(arrays[0])
        return arrays

    def read_cache(self) -> bytes | None:
        if self.cache is not None and self.cache.exists():
            return self.cache.read_bytes()
        return None

    def write_cache(self, cache: bytes) -> None:
        if self.cache is not None:
            self.cache.write_bytes(cache)

    def keeps_cache(self) -> bool:
        """True if `write_cache` keeps what a later build's `read_cache` returns: this build then uses
        nothing that TensorRT's text cannot hold, and the later one gives the same bytes."""
        return self.cache is not None

    def _iterate(self) -> Iterator[Any]:
        if isinstance(self.data, Mapping):
            return _slices(dict(self.data), self._batch_size)
        if _is_array(self.data):
            return ([part] for part in _cut(self.data, self._batch_size))
        if isinstance(self.data, Iterable):
            return iter(self.data)
        raise InvalidArgumentError(
            f"calibration data of type {type(self.data).__name__}; needed: a path, an array, a dict of "
            "arrays or an iterable of batches"
        )


def as_calibrator(source: Any, **options: Any) -> Calibrator:
    """`source` itself if it is a calibrator, else one over it."""
    return source if isinstance(source, Calibrator) else Calibrator(source, **options)


def _is_array(data: Any) -> bool:
    return hasattr(data, "shape") and hasattr(data, "__getitem__")


def _cut(array: Any, size: int) -> Iterator[Any]:
    return (array[start : start + size] for start in range(0, len(array), size))


def _slices(arrays: dict[str, Any], size: int) -> Iterator[dict[str, Any]]:
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) != 1:
        raise InvalidArgumentError(f"calibration arrays differ in their number of samples: {lengths}")
    for start in range(0, next(iter(lengths.values())), size):
        yield {name: array[start : start + size] for name, array in arrays.items()}


def _in_order(batch: Any, names: Sequence[str]) -> list[Any]:
    if isinstance(batch, Mapping):
        missing = [name for name in names if name not in batch]
        if missing:
            raise InvalidArgumentError(
                f"calibration batch has no array for {missing}; it has {sorted(map(str, batch))}"
            )
        return [_plain(batch[name]) for name in names]
    if isinstance(batch, (tuple, list)):
        if len(batch) < len(names):
            raise InvalidArgumentError(
                f"calibration batch has {len(batch)} arrays; the model has the inputs {list(names)}"
            )
        return [_plain(array) for array in batch[: len(names)]]
    if len(names) != 1:
        raise InvalidArgumentError(f"calibration batch is one array; the model has the inputs {list(names)}")
    return [_plain(batch)]


def _plain(array: Any) -> Any:
    """A tensor without its gradient, in host memory, that can be counted and cut."""
    if hasattr(array, "detach") and hasattr(array, "cpu"):
        return array.detach().cpu()
    has_dlpack_alone = hasattr(array, "__dlpack__") and not hasattr(array, "__getitem__")
    return numpy.from_dlpack(array) if has_dlpack_alone else array
