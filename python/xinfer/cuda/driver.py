"""The calls of `cuda.cuda` (`cuda.bindings.driver`) that TensorRT scripts use.

As there, every function returns a tuple: the result code, then its results.
"""

from __future__ import annotations

import enum
from typing import Any

from xinfer.cuda import runtime


class CUresult(enum.IntEnum):
    """Codes of the driver's calls."""

    CUDA_SUCCESS = 0
    CUDA_ERROR_INVALID_VALUE = 1
    CUDA_ERROR_OUT_OF_MEMORY = 2
    CUDA_ERROR_INVALID_DEVICE = 101


_OK = CUresult.CUDA_SUCCESS
_CODES = {
    runtime.cudaError_t.cudaErrorInvalidValue: CUresult.CUDA_ERROR_INVALID_VALUE,
    runtime.cudaError_t.cudaErrorMemoryAllocation: CUresult.CUDA_ERROR_OUT_OF_MEMORY,
    runtime.cudaError_t.cudaErrorInvalidDevice: CUresult.CUDA_ERROR_INVALID_DEVICE,
}


def _as_driver(results: tuple[Any, ...]) -> tuple[Any, ...]:
    """A runtime call's results with the driver's code."""
    return (_CODES.get(results[0], _OK), *results[1:])


def cuInit(flags: int) -> tuple[Any, ...]:  # noqa: N802: CUDA's names, here and below
    return (_OK,)


def cuDeviceGet(ordinal: int) -> tuple[Any, ...]:  # noqa: N802
    return (_OK, 0) if ordinal == 0 else (CUresult.CUDA_ERROR_INVALID_DEVICE, None)


def cuDeviceGetCount() -> tuple[Any, ...]:  # noqa: N802
    return _as_driver(runtime.cudaGetDeviceCount())


def cuCtxCreate(*arguments: Any) -> tuple[Any, ...]:  # noqa: N802
    """(flags, device), or (parameters, flags, device) as CUDA 13 has it."""
    return _as_driver(runtime.cudaStreamCreate())


def cuDevicePrimaryCtxRetain(device: int) -> tuple[Any, ...]:  # noqa: N802
    return cuCtxCreate(0, device)


def cuCtxDestroy(context: Any) -> tuple[Any, ...]:  # noqa: N802
    return _as_driver(runtime.cudaStreamDestroy(context))


def _without_effect(*_: Any) -> tuple[Any, ...]:
    return (_OK,)


cuCtxSetCurrent = cuCtxPushCurrent = cuCtxSynchronize = cuDevicePrimaryCtxRelease = _without_effect


def cuMemAlloc(size: int) -> tuple[Any, ...]:  # noqa: N802
    return _as_driver(runtime.cudaMalloc(size))


def cuMemFree(pointer: Any) -> tuple[Any, ...]:  # noqa: N802
    return _as_driver(runtime.cudaFree(pointer))


def cuMemcpyHtoD(target: Any, source: Any, size: int) -> tuple[Any, ...]:  # noqa: N802
    return _as_driver(runtime.cudaMemcpy(target, source, size, runtime.cudaMemcpyKind.cudaMemcpyHostToDevice))


def cuMemcpyDtoH(target: Any, source: Any, size: int) -> tuple[Any, ...]:  # noqa: N802
    return _as_driver(runtime.cudaMemcpy(target, source, size, runtime.cudaMemcpyKind.cudaMemcpyDeviceToHost))


def cuMemcpyHtoDAsync(target: Any, source: Any, size: int, stream: Any) -> tuple[Any, ...]:  # noqa: N802
    return cuMemcpyHtoD(target, source, size)


def cuMemcpyDtoHAsync(target: Any, source: Any, size: int, stream: Any) -> tuple[Any, ...]:  # noqa: N802
    return cuMemcpyDtoH(target, source, size)


def cuStreamCreate(flags: int) -> tuple[Any, ...]:  # noqa: N802
    return _as_driver(runtime.cudaStreamCreateWithFlags(flags))


def cuStreamSynchronize(stream: Any) -> tuple[Any, ...]:  # noqa: N802
    return _as_driver(runtime.cudaStreamSynchronize(stream))


def cuStreamDestroy(stream: Any) -> tuple[Any, ...]:  # noqa: N802
    return _as_driver(runtime.cudaStreamDestroy(stream))


def cuGetErrorName(code: Any) -> tuple[Any, ...]:  # noqa: N802
    return (_OK, CUresult(code).name.encode())


cuGetErrorString = cuGetErrorName
