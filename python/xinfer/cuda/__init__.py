"""The calls of `pycuda.driver` that TensorRT scripts use.

With a GPU, device memory, streams and events are the GPU's. Without one, or after `use("cpu")`, "device"
memory is host memory: `mem_alloc` returns an allocation whose integer value is an address that
`xinfer.tensorrt` reads, copies are finished when they return, streams are always done.
`xinfer.cuda.autoinit` stands for `pycuda.autoinit`, `xinfer.cuda.runtime` for `cuda.cudart` and
`cuda.bindings.runtime`.
"""

from __future__ import annotations

from typing import Any

import numpy

from xinfer.cuda import _memory
from xinfer.cuda._arrays import address_of, host_bytes
from xinfer.cuda._async import Event, Stream, handle_of, nothing


class Error(Exception):
    """Base of the errors below, as in pycuda."""


class LogicError(Error):
    """A call that cannot work: a freed or foreign pointer, a size that does not fit."""


class MemoryError(Error):  # noqa: A001: pycuda's name
    """No memory left."""


class RuntimeError(Error):  # noqa: A001: pycuda's name
    """The driver failed."""


class LaunchError(Error):
    """A kernel failed."""


def checked(function: Any, *arguments: Any) -> Any:
    """Calls it; what fails becomes one of the errors above."""
    try:
        return function(*arguments)
    except _memory.MemoryError_ as error:
        kind = LogicError
        if getattr(error, "is_out_of_memory", False):
            kind = MemoryError
        elif getattr(error, "is_kernel_failure", False):
            kind = LaunchError
        raise kind(str(error)) from None


def use(device: str) -> None:
    """Chooses the device before it is first used: "cuda" (memory of a GPU), "cpu" (host memory in its
    place), or "auto", which is the GPU if there is one. `xinfer.tensorrt` builds for it."""
    checked(_memory.want, device)


def device_kind() -> str:
    """"cuda" or "cpu": where `mem_alloc` allocates."""
    return "cuda" if checked(lambda: _memory.registry.backend).name == "gpu" else "cpu"


class DeviceAllocation:
    """Device memory; `int()` of it is its address. Freed when the last reference goes."""

    def __init__(self, size: int) -> None:
        self.size = self.nbytes = int(size)
        self._address = checked(_memory.registry.allocate, self.size)
        self._live = True

    def free(self) -> None:
        if not self._live:
            raise LogicError("DeviceAllocation.free: the memory was freed already")
        self._live = False
        checked(_memory.registry.free, self._address)

    def as_buffer(self, size: int, offset: int = 0) -> memoryview:
        """A view of the memory, where the host can read it."""
        import ctypes

        if device_kind() == "cuda":
            raise LogicError("as_buffer: the host cannot read this device's memory; use memcpy_dtoh")
        return memoryview((ctypes.c_char * size).from_address(self._address + offset)).cast("B")

    def __int__(self) -> int:
        return self._address

    __index__ = __int__

    def __add__(self, offset: int) -> int:
        return self._address + int(offset)

    def __hash__(self) -> int:
        return hash(self._address)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (int, DeviceAllocation)) and int(other) == self._address

    def __del__(self) -> None:
        if getattr(self, "_live", False):
            self._live = False
            try:
                _memory.registry.free(self._address)
            except Exception:  # noqa: BLE001: nothing may leave a destructor
                pass


def mem_alloc(size: int) -> DeviceAllocation:
    return DeviceAllocation(size)


def mem_alloc_like(array: numpy.ndarray) -> DeviceAllocation:
    return DeviceAllocation(array.nbytes)


def mem_alloc_pitch(width: int, height: int, access_size: int) -> tuple[DeviceAllocation, int]:
    pitch = -(-int(width) // 256) * 256
    return DeviceAllocation(pitch * int(height)), pitch


def mem_get_info() -> tuple[int, int]:
    """Free and total bytes."""
    return checked(_memory.registry.backend.memory_info)


def _copy(target: int, source: int, size: int, what: str, device_side: tuple[int, ...], stream: Any = ...) -> None:
    """Copies now, or when `stream` gets there if one is given (None: the default stream)."""
    for address in device_side:
        checked(_memory.registry.check, address, size, what)
    if stream is ...:
        checked(_memory.registry.backend.copy, target, source, size)
    else:
        checked(_memory.registry.backend.copy_async, target, source, size, handle_of(stream))


def _copy_in(dest: Any, src: Any, what: str, stream: Any = ...) -> None:
    source, size, kept = host_bytes(src, writable=False)
    target = address_of(dest)
    _copy(target, source, size, what, (target,), stream)
    del kept


def _copy_out(dest: Any, src: Any, what: str, stream: Any = ...) -> None:
    target, size, kept = host_bytes(dest, writable=True)
    source = address_of(src)
    _copy(target, source, size, what, (source,), stream)
    del kept


def memcpy_htod(dest: Any, src: Any) -> None:
    _copy_in(dest, src, "memcpy_htod")


def memcpy_dtoh(dest: Any, src: Any) -> None:
    _copy_out(dest, src, "memcpy_dtoh")


def memcpy_dtod(dest: Any, src: Any, size: int) -> None:
    target, source = address_of(dest), address_of(src)
    _copy(target, source, int(size), "memcpy_dtod", (target, source))


def memcpy_htod_async(dest: Any, src: Any, stream: Any = None) -> None:
    """The buffer must stay as it is until the stream has got there, if it is page-locked."""
    _copy_in(dest, src, "memcpy_htod_async", stream)


def memcpy_dtoh_async(dest: Any, src: Any, stream: Any = None) -> None:
    _copy_out(dest, src, "memcpy_dtoh_async", stream)


def memcpy_dtod_async(dest: Any, src: Any, size: int, stream: Any = None) -> None:
    target, source = address_of(dest), address_of(src)
    _copy(target, source, int(size), "memcpy_dtod_async", (target, source), stream)


def _memset(dest: Any, value: int, count: int, width: int) -> None:
    target = address_of(dest)
    checked(_memory.registry.check, target, width * count, f"memset_d{8 * width}")
    pattern = (int(value) % (1 << (8 * width))).to_bytes(width, "little")
    checked(_memory.registry.backend.fill, target, pattern, int(count))


def memset_d8(dest: Any, data: int, size: int) -> None:
    _memset(dest, data, size, 1)


def memset_d16(dest: Any, data: int, size: int) -> None:
    _memset(dest, data, size, 2)


def memset_d32(dest: Any, data: int, size: int) -> None:
    _memset(dest, data, size, 4)


def memset_d8_async(dest: Any, data: int, size: int, stream: Stream | None = None) -> None:
    memset_d8(dest, data, size)


def memset_d16_async(dest: Any, data: int, size: int, stream: Stream | None = None) -> None:
    memset_d16(dest, data, size)


def memset_d32_async(dest: Any, data: int, size: int, stream: Stream | None = None) -> None:
    memset_d32(dest, data, size)


def to_device(array: Any) -> DeviceAllocation:
    array = numpy.ascontiguousarray(array)
    allocation = mem_alloc_like(array)
    memcpy_htod(allocation, array)
    return allocation


def from_device(devptr: Any, shape: Any, dtype: Any, order: str = "C") -> numpy.ndarray:
    result = numpy.empty(shape, dtype, order)
    memcpy_dtoh(result, devptr)
    return result


def from_device_like(devptr: Any, other: numpy.ndarray) -> numpy.ndarray:
    return from_device(devptr, other.shape, other.dtype)


def pagelocked_empty(shape: Any, dtype: Any, order: str = "C", mem_flags: int = 0) -> numpy.ndarray:
    """An array in memory that copies to and from the device need not stage."""
    shape = tuple(int(size) for size in shape) if numpy.iterable(shape) else (int(shape),)
    size = int(numpy.prod(shape)) * numpy.dtype(dtype).itemsize
    if size == 0:
        return numpy.empty(shape, dtype, order)
    memory = checked(_memory.registry.backend.allocate_page_locked, size)
    return numpy.frombuffer(memory, dtype=dtype).reshape(shape, order=order)


def pagelocked_zeros(shape: Any, dtype: Any, order: str = "C", mem_flags: int = 0) -> numpy.ndarray:
    array = pagelocked_empty(shape, dtype, order)
    array.fill(0)
    return array


def pagelocked_empty_like(array: numpy.ndarray, mem_flags: int = 0) -> numpy.ndarray:
    return pagelocked_empty(array.shape, array.dtype)


def pagelocked_zeros_like(array: numpy.ndarray, mem_flags: int = 0) -> numpy.ndarray:
    return pagelocked_zeros(array.shape, array.dtype)


managed_empty, managed_zeros = pagelocked_empty, pagelocked_zeros


def register_host_memory(array: numpy.ndarray, flags: int = 0) -> numpy.ndarray:
    return array


class _Flags:
    """Integer constants under a class name, as pycuda has them."""


class host_alloc_flags(_Flags):  # noqa: N801: pycuda's name
    PORTABLE, DEVICEMAP, WRITECOMBINED = 1, 2, 4


class mem_attach_flags(_Flags):  # noqa: N801
    GLOBAL, HOST, SINGLE = 1, 2, 4


class ctx_flags(_Flags):  # noqa: N801
    SCHED_AUTO, SCHED_SPIN, SCHED_YIELD, SCHED_BLOCKING_SYNC, MAP_HOST, LMEM_RESIZE_TO_MAX = 0, 1, 2, 4, 8, 16


class event_flags(_Flags):  # noqa: N801
    DEFAULT, BLOCKING_SYNC, DISABLE_TIMING = 0, 1, 2


class stream_flags(_Flags):  # noqa: N801
    DEFAULT, NON_BLOCKING = 0, 1


def get_version() -> tuple[int, int, int]:
    """Of the CUDA driver interface that these names follow."""
    version = get_driver_version()
    return (version // 1000, version % 1000 // 10, 0)


def get_driver_version() -> int:
    return _gpu().version() if device_kind() == "cuda" else 12000


def _gpu() -> Any:
    return _memory.registry.backend


from xinfer.cuda._device import Context, Device, init  # noqa: E402: they use what is above

start_profiler = stop_profiler = initialize_profiler = nothing

__all__ = [
    "Context",
    "Device",
    "DeviceAllocation",
    "Error",
    "Event",
    "LaunchError",
    "LogicError",
    "MemoryError",
    "RuntimeError",
    "Stream",
    "ctx_flags",
    "device_kind",
    "event_flags",
    "from_device",
    "from_device_like",
    "get_driver_version",
    "get_version",
    "host_alloc_flags",
    "init",
    "managed_empty",
    "managed_zeros",
    "mem_alloc",
    "mem_alloc_like",
    "mem_alloc_pitch",
    "mem_attach_flags",
    "mem_get_info",
    "memcpy_dtod",
    "memcpy_dtod_async",
    "memcpy_dtoh",
    "memcpy_dtoh_async",
    "memcpy_htod",
    "memcpy_htod_async",
    "memset_d16",
    "memset_d16_async",
    "memset_d32",
    "memset_d32_async",
    "memset_d8",
    "memset_d8_async",
    "pagelocked_empty",
    "pagelocked_empty_like",
    "pagelocked_zeros",
    "pagelocked_zeros_like",
    "register_host_memory",
    "start_profiler",
    "stop_profiler",
    "stream_flags",
    "to_device",
    "use",
]
