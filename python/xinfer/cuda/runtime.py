"""The calls of `cuda.cudart` (`cuda.bindings.runtime`) that TensorRT scripts use.

As there, every function returns a tuple: the error code, then its results.
"""

from __future__ import annotations

import ctypes
import enum
from typing import Any

from xinfer import cuda
from xinfer.cuda import _memory
from xinfer.cuda._arrays import address_of
from xinfer.cuda._async import handle_of


class cudaError_t(enum.IntEnum):  # noqa: N801: CUDA's names, here and below
    cudaSuccess = 0
    cudaErrorInvalidValue = 1
    cudaErrorMemoryAllocation = 2
    cudaErrorInvalidDevice = 101
    cudaErrorLaunchFailure = 719


class nvrtcResult(enum.IntEnum):  # noqa: N801
    NVRTC_SUCCESS = 0


class cudaMemcpyKind(enum.IntEnum):  # noqa: N801
    cudaMemcpyHostToHost = 0
    cudaMemcpyHostToDevice = 1
    cudaMemcpyDeviceToHost = 2
    cudaMemcpyDeviceToDevice = 3
    cudaMemcpyDefault = 4


cudaStreamNonBlocking, cudaStreamDefault, cudaHostAllocDefault = 1, 0, 0
cudaEventDefault, cudaEventBlockingSync, cudaEventDisableTiming, cudaEventWaitDefault = 0, 1, 2, 0
cudaStream_t = cudaEvent_t = int  # handles are numbers here

_OK = cudaError_t.cudaSuccess
_live: dict[int, Any] = {}
_page_locked: dict[int, Any] = {}
_last = _OK


def _done(*results: Any) -> tuple[Any, ...]:
    return (_OK, *results)


def _failed(code: cudaError_t, results: int = 0) -> tuple[Any, ...]:
    global _last
    _last = code
    return (code, *([None] * results))


def _bytes_at(memory: Any) -> int:
    """An address: of a pointer, or of a host array's elements."""
    try:
        return address_of(memory)
    except TypeError:
        from xinfer.cuda._arrays import host_bytes

        return host_bytes(memory, writable=False)[0]


def cudaMalloc(size: int) -> tuple[Any, ...]:  # noqa: N802
    try:
        return _done(_memory.registry.allocate(int(size)))
    except _memory.MemoryError_:
        return _failed(cudaError_t.cudaErrorMemoryAllocation, 1)


def cudaFree(pointer: Any) -> tuple[Any, ...]:  # noqa: N802
    if address_of(pointer) in _page_locked:  # managed memory
        return cudaFreeHost(pointer)
    try:
        if address_of(pointer):
            _memory.registry.free(address_of(pointer))
        return _done()
    except _memory.MemoryError_:
        return _failed(cudaError_t.cudaErrorInvalidValue)


def cudaMallocHost(size: int) -> tuple[Any, ...]:  # noqa: N802
    """Page-locked memory, which host and device can read."""
    try:
        memory = _memory.registry.backend.allocate_page_locked(max(int(size), 1))
    except _memory.MemoryError_:
        return _failed(cudaError_t.cudaErrorMemoryAllocation, 1)
    address = ctypes.addressof(memory)
    _page_locked[address] = memory
    return _done(address)


def cudaFreeHost(pointer: Any) -> tuple[Any, ...]:  # noqa: N802
    if address_of(pointer) and _page_locked.pop(address_of(pointer), None) is None:
        return _failed(cudaError_t.cudaErrorInvalidValue)
    return _done()


def cudaMallocManaged(size: int, flags: int = 1) -> tuple[Any, ...]:  # noqa: N802
    """Page-locked memory: the device reaches it as it does managed memory."""
    return cudaMallocHost(size)


def cudaMallocAsync(size: int, stream: Any) -> tuple[Any, ...]:  # noqa: N802
    return cudaMalloc(size)


def cudaFreeAsync(pointer: Any, stream: Any) -> tuple[Any, ...]:  # noqa: N802
    return cudaFree(pointer)


def cudaHostAlloc(size: int, flags: int) -> tuple[Any, ...]:  # noqa: N802
    return cudaMallocHost(size)


def _copy(dst: Any, src: Any, count: int, stream: Any) -> tuple[Any, ...]:
    """Copies when `stream` gets there; at once without one."""
    target, source = _bytes_at(dst), _bytes_at(src)
    try:
        _memory.registry.check(target, count, "cudaMemcpy")
        _memory.registry.check(source, count, "cudaMemcpy")
    except _memory.MemoryError_:
        return _failed(cudaError_t.cudaErrorInvalidValue)
    try:
        if stream is None:
            _memory.registry.backend.copy(target, source, int(count))
        else:
            _memory.registry.backend.copy_async(target, source, int(count), handle_of(stream))
    except _memory.MemoryError_:
        return _failed(cudaError_t.cudaErrorInvalidValue)
    return _done()


def cudaMemcpy(dst: Any, src: Any, count: int, kind: cudaMemcpyKind) -> tuple[Any, ...]:  # noqa: N802
    return _copy(dst, src, count, None)


def cudaMemcpyAsync(dst: Any, src: Any, count: int, kind: cudaMemcpyKind, stream: Any = 0) -> tuple[Any, ...]:  # noqa: N802
    return _copy(dst, src, count, stream)


def cudaMemset(pointer: Any, value: int, count: int) -> tuple[Any, ...]:  # noqa: N802
    try:
        cuda.memset_d8(pointer, value, count)
        return _done()
    except cuda.LogicError:
        return _failed(cudaError_t.cudaErrorInvalidValue)


def cudaMemsetAsync(pointer: Any, value: int, count: int, stream: Any) -> tuple[Any, ...]:  # noqa: N802
    return cudaMemset(pointer, value, count)


def _create(kind: type) -> tuple[Any, ...]:
    made = kind()
    _live[made.handle] = made
    return _done(made.handle)


def cudaStreamCreate() -> tuple[Any, ...]:  # noqa: N802
    return _create(cuda.Stream)


def cudaStreamCreateWithFlags(flags: int) -> tuple[Any, ...]:  # noqa: N802
    return _create(cuda.Stream)


def cudaEventCreate() -> tuple[Any, ...]:  # noqa: N802
    return _create(cuda.Event)


def cudaEventCreateWithFlags(flags: int) -> tuple[Any, ...]:  # noqa: N802
    return _create(cuda.Event)


def cudaStreamDestroy(stream: Any) -> tuple[Any, ...]:  # noqa: N802
    _live.pop(int(stream), None)
    return _done()


cudaEventDestroy = cudaStreamDestroy


def _tried(call: Any, *arguments: Any) -> tuple[Any, ...]:
    try:
        call(*arguments)
    except _memory.MemoryError_:
        return _failed(cudaError_t.cudaErrorLaunchFailure)
    return _done()


def cudaStreamSynchronize(stream: Any) -> tuple[Any, ...]:  # noqa: N802
    return _tried(_memory.registry.backend.synchronize_stream, handle_of(stream))


def cudaEventSynchronize(event: Any) -> tuple[Any, ...]:  # noqa: N802
    return _tried(_memory.registry.backend.synchronize_event, int(event))


def cudaStreamWaitEvent(stream: Any, event: Any, flags: int = 0) -> tuple[Any, ...]:  # noqa: N802
    return _tried(_memory.registry.backend.wait_for_event, handle_of(stream), int(event))


def cudaEventRecord(event: Any, stream: Any = 0) -> tuple[Any, ...]:  # noqa: N802
    if int(event) not in _live:
        return _failed(cudaError_t.cudaErrorInvalidValue)
    _live[int(event)].record(stream)
    return _done()


def cudaEventElapsedTime(start: Any, end: Any) -> tuple[Any, ...]:  # noqa: N802
    try:
        return _done(_live[int(end)].time_since(_live[int(start)]))
    except (KeyError, cuda.LogicError):
        return _failed(cudaError_t.cudaErrorInvalidValue, 1)


def cudaDeviceSynchronize() -> tuple[Any, ...]:  # noqa: N802
    return _tried(_memory.registry.backend.synchronize)


def cudaGetDeviceCount() -> tuple[Any, ...]:  # noqa: N802
    return _done(cuda.Device.count())


def cudaGetDevice() -> tuple[Any, ...]:  # noqa: N802
    return _done(0)


def cudaSetDevice(device: int) -> tuple[Any, ...]:  # noqa: N802
    return _done() if device == 0 else _failed(cudaError_t.cudaErrorInvalidDevice)


def cudaMemGetInfo() -> tuple[Any, ...]:  # noqa: N802
    return _done(*cuda.mem_get_info())


def cudaGetErrorName(code: Any) -> tuple[Any, ...]:  # noqa: N802
    return _done(cudaError_t(code).name.encode())


def cudaGetErrorString(code: Any) -> tuple[Any, ...]:  # noqa: N802
    return _done(cudaError_t(code).name.removeprefix("cuda").encode())


def cudaGetLastError() -> tuple[Any, ...]:  # noqa: N802
    global _last
    code, _last = _last, _OK
    return (code,)


def cudaRuntimeGetVersion() -> tuple[Any, ...]:  # noqa: N802
    return _done(12000)
