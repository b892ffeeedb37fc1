"""Arrays of other libraries in GPU memory: where they lie, and new ones of the same kind."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy

from xinfer import _core
from xinfer._errors import InvalidArgumentError

_CUDA, _CUDA_MANAGED = 2, 13  # DLDeviceType


def is_on_gpu(array: Any) -> bool:
    if isinstance(array, numpy.ndarray):
        return False
    place = getattr(array, "__dlpack_device__", None)
    return place is not None and place()[0] in (_CUDA, _CUDA_MANAGED)


def _each(arrays: Any) -> Sequence[Any]:
    if isinstance(arrays, dict):
        return list(arrays.values())
    return arrays if isinstance(arrays, (list, tuple)) else [arrays]


def any_on_gpu(*groups: Any) -> bool:
    """Whether one of the arrays (alone, in lists, in dicts) lies in memory of a GPU."""
    return any(is_on_gpu(array) for group in groups if group is not None for array in _each(group))


def in_order(inputs: Any, names: Sequence[str]) -> list[Any]:
    """The arrays of a call in the order of the engine's inputs."""
    if isinstance(inputs, dict):
        missing = [name for name in names if name not in inputs]
        if missing or len(inputs) != len(names):
            raise InvalidArgumentError(f"arrays for {list(inputs)} given; the engine has the inputs {list(names)}")
        return [inputs[name] for name in names]
    arrays = list(_each(inputs))
    if len(arrays) != len(names):
        raise InvalidArgumentError(f"{len(arrays)} arrays given; the engine has the inputs {list(names)}")
    return arrays


def empty_like(arrays: Sequence[Any], shapes: Sequence[Sequence[int]], dtypes: Sequence[str]) -> list[Any]:
    """New arrays in memory of the GPU that holds the first of `arrays` that is on one, of its library if that
    is PyTorch or CuPy; other libraries take them by `from_dlpack`. Host memory if none is on a GPU."""
    model = next((array for array in arrays if is_on_gpu(array)), None)
    if model is None:
        return [numpy.empty(shape, dtype) for shape, dtype in zip(shapes, dtypes, strict=True)]
    library = type(model).__module__.partition(".")[0]
    made = []
    for shape, dtype in zip(shapes, dtypes, strict=True):
        if library == "torch":
            torch = sys.modules["torch"]
            made.append(torch.empty(tuple(shape), dtype=getattr(torch, dtype), device=model.device))
        elif library == "cupy":
            cupy = sys.modules["cupy"]
            with model.device:
                made.append(cupy.empty(tuple(shape), dtype))
        else:
            made.append(_own_array(tuple(shape), dtype, model.__dlpack_device__()[1]))
    return made


def _own_array(shape: tuple[int, ...], dtype: str, ordinal: int) -> Any:
    from xinfer import cuda

    size = int(numpy.prod(shape, dtype=numpy.int64)) * numpy.dtype(dtype).itemsize
    memory = cuda.mem_alloc(max(size, 1))
    return _core.gpu_array(int(memory), list(shape), dtype, ordinal, memory)


def stream_handle(stream: Any) -> int:
    from xinfer.cuda._async import handle_of

    return handle_of(stream)
