"""The calls of `pycuda.driver` that TensorRT scripts use.

Without a GPU, "device" memory is host memory: `mem_alloc` returns an allocation whose integer value is
an address that `xinfer.tensorrt` reads, copies are finished when they return, streams are always done.
`xinfer.cuda.autoinit` stands for `pycuda.autoinit`, `xinfer.cuda.runtime` for `cuda.cudart` and
`cuda.bindings.runtime`.
"""

from __future__ import annotations

from typing import Any

import numpy

from xinfer import _core
from xinfer.cuda import _memory
from xinfer.cuda._arrays import address_of, host_bytes
from xinfer.cuda._async import Event, Stream, nothing


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


def _registry_call(function: Any, *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except _memory.MemoryError_ as error:
        raise LogicError(str(error)) from None


class DeviceAllocation:
    """Device memory; `int()` of it is its address. Freed when the last reference goes."""

    def __init__(self, size: int) -> None:
        self.size = self.nbytes = int(size)
        self._address = _registry_call(_memory.registry.allocate, self.size)
        self._live = True

    def free(self) -> None:
        if not self._live:
            raise LogicError("DeviceAllocation.free: the memory was freed already")
        self._live = False
        _registry_call(_memory.registry.free, self._address)

    def as_buffer(self, size: int, offset: int = 0) -> memoryview:
        import ctypes

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
    import os

    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return total - _memory.registry.used(), total


def _copy(target: int, source: int, size: int, what: str, device_side: tuple[int, ...]) -> None:
    for address in device_side:
        _registry_call(_memory.registry.check, address, size, what)
    _memory.registry.backend.copy(target, source, size)


def memcpy_htod(dest: Any, src: Any) -> None:
    source, size, kept = host_bytes(src, writable=False)
    target = address_of(dest)
    _copy(target, source, size, "memcpy_htod", (target,))
    del kept


def memcpy_dtoh(dest: Any, src: Any) -> None:
    target, size, kept = host_bytes(dest, writable=True)
    source = address_of(src)
    _copy(target, source, size, "memcpy_dtoh", (source,))
    del kept


def memcpy_dtod(dest: Any, src: Any, size: int) -> None:
    target, source = address_of(dest), address_of(src)
    _copy(target, source, int(size), "memcpy_dtod", (target, source))


def memcpy_htod_async(dest: Any, src: Any, stream: Stream | None = None) -> None:
    memcpy_htod(dest, src)


def memcpy_dtoh_async(dest: Any, src: Any, stream: Stream | None = None) -> None:
    memcpy_dtoh(dest, src)


def memcpy_dtod_async(dest: Any, src: Any, size: int, stream: Stream | None = None) -> None:
    memcpy_dtod(dest, src, size)


def _memset(dest: Any, value: int, count: int, width: int) -> None:
    target = address_of(dest)
    _registry_call(_memory.registry.check, target, width * count, f"memset_d{8 * width}")
    pattern = (int(value) % (1 << (8 * width))).to_bytes(width, "little")
    _memory.registry.backend.fill(target, pattern, int(count))


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
    return numpy.empty(shape, dtype, order)


def pagelocked_zeros(shape: Any, dtype: Any, order: str = "C", mem_flags: int = 0) -> numpy.ndarray:
    return numpy.zeros(shape, dtype, order)


def pagelocked_empty_like(array: numpy.ndarray, mem_flags: int = 0) -> numpy.ndarray:
    return numpy.empty_like(array)


def pagelocked_zeros_like(array: numpy.ndarray, mem_flags: int = 0) -> numpy.ndarray:
    return numpy.zeros_like(array)


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


class Device:
    """The device that engines run on: here the CPU."""

    def __init__(self, number: int = 0) -> None:
        if number != 0:
            raise LogicError(f"device {number}; this machine has 1 (the CPU)")
        self.number = number

    @staticmethod
    def count() -> int:
        return 1

    def name(self) -> str:
        return _core.cpu_name()

    def compute_capability(self) -> tuple[int, int]:
        raise LogicError("the CPU has no compute capability")

    def total_memory(self) -> int:
        return mem_get_info()[1]

    def pci_bus_id(self) -> str:
        return "0000:00:00.0"

    def get_attributes(self) -> dict[str, int]:
        return {}

    def make_context(self, flags: int = 0) -> Context:
        context = Context(self)
        context.push()
        return context

    retain_primary_context = make_context


class Context:
    """A device context; on the host only a place in the stack of contexts."""

    _stack: list[Context] = []

    def __init__(self, device: Device | None = None) -> None:
        self._device = device or Device(0)
        self.handle = id(self)

    def push(self) -> None:
        Context._stack.append(self)

    @staticmethod
    def pop() -> None:
        if not Context._stack:
            raise LogicError("Context.pop: no context is current")
        Context._stack.pop()

    @staticmethod
    def get_current() -> Context | None:
        return Context._stack[-1] if Context._stack else None

    @staticmethod
    def get_device() -> Device:
        return Device(0)

    def detach(self) -> None:
        if self in Context._stack:
            Context._stack.remove(self)

    attach = staticmethod(nothing)
    synchronize = staticmethod(nothing)
    set_limit = staticmethod(nothing)
    set_cache_config = staticmethod(nothing)

    def __enter__(self) -> Context:
        self.push()
        return self

    def __exit__(self, *_: object) -> None:
        self.pop()


def init(flags: int = 0) -> None:
    """Does nothing; the host is always ready."""


def get_version() -> tuple[int, int, int]:
    """Of the CUDA driver interface that these names follow."""
    return (12, 0, 0)


def get_driver_version() -> int:
    return 12000


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
]
