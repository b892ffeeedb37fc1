"""Memory behind device pointers, on the device that was chosen: a GPU, or host memory in its place.

Every allocation is registered, so that a pointer can be checked before it is read: who hands the
library an address says what he means by it, and an address that was freed is noticed.
"""

from __future__ import annotations

import bisect
import collections
import ctypes
import itertools
import mmap
import os
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol


class MemoryError_(Exception):
    """An address that is no live allocation, or an access beyond the end of one."""


class Backend(Protocol):
    """What a device has to offer; the host is one, a GPU another (`_gpu.GpuBackend`)."""

    name: str
    #: Whether an address that was freed may come back with the next allocation.
    reuses_addresses: bool

    def allocate(self, size: int) -> int:
        """The address of new memory."""

    def free(self, address: int, size: int) -> None:
        """Gives the memory back but keeps its addresses: nothing else is put there."""

    def forget(self, address: int, size: int) -> None:
        """Gives the addresses of freed memory back too."""

    def copy(self, target: int, source: int, size: int) -> None:
        """Copies bytes; on return they are there."""

    def fill(self, target: int, pattern: bytes, count: int) -> None:
        """Writes `pattern` `count` times."""

    def copy_async(self, target: int, source: int, size: int, stream: int) -> None:
        """Copies bytes when the stream gets there."""

    def allocate_page_locked(self, size: int) -> Any:
        """A writable ctypes array in host memory that copies need not stage."""

    def memory_info(self) -> tuple[int, int]:
        """Free and total bytes; None for what the registry counts itself."""

    def synchronize(self) -> None:
        """Waits for everything."""

    def create_stream(self, flags: int) -> int: ...

    def destroy_stream(self, stream: int) -> None: ...

    def synchronize_stream(self, stream: int) -> None: ...

    def stream_is_done(self, stream: int) -> bool: ...

    def wait_for_event(self, stream: int, event: int) -> None: ...

    def create_event(self, flags: int) -> int: ...

    def destroy_event(self, event: int) -> None: ...

    def record_event(self, event: int, stream: int) -> None: ...

    def synchronize_event(self, event: int) -> None: ...

    def event_is_done(self, event: int) -> bool: ...

    def milliseconds_between(self, start: int, end: int) -> float: ...


class HostBackend:
    """Device memory in host memory, in pages of its own: freed ones become inaccessible."""

    name = "host"
    reuses_addresses = False
    _FIXED, _NORESERVE = 0x10, 0x4000  # Linux's MAP_FIXED and MAP_NORESERVE, which mmap lacks
    _PROT_NONE = 0

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._libc.mmap.restype = ctypes.c_void_p
        self._libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
        self._libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
        self._handles = itertools.count(0x5000_0000, 0x10)
        self._times: dict[int, float] = {}

    def allocate(self, size: int) -> int:
        return self._map(None, size, mmap.PROT_READ | mmap.PROT_WRITE, 0)

    def free(self, address: int, size: int) -> None:
        self._map(address, size, self._PROT_NONE, self._FIXED | self._NORESERVE)

    def forget(self, address: int, size: int) -> None:
        self._libc.munmap(address, size)

    def copy(self, target: int, source: int, size: int) -> None:
        ctypes.memmove(target, source, size)

    def fill(self, target: int, pattern: bytes, count: int) -> None:
        if len(pattern) == 1:
            ctypes.memset(target, pattern[0], count)
        else:
            ctypes.memmove(target, pattern * count, len(pattern) * count)

    def copy_async(self, target: int, source: int, size: int, stream: int) -> None:
        self.copy(target, source, size)

    def allocate_page_locked(self, size: int) -> Any:
        return (ctypes.c_char * size)()

    def memory_info(self) -> tuple[int, int]:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return total - registry.used(), total

    def synchronize(self) -> None:
        pass

    def create_stream(self, flags: int) -> int:
        return next(self._handles)

    def destroy_stream(self, stream: int) -> None:
        pass

    synchronize_stream = destroy_stream

    def stream_is_done(self, stream: int) -> bool:
        return True

    def wait_for_event(self, stream: int, event: int) -> None:
        pass

    create_event = create_stream

    def destroy_event(self, event: int) -> None:
        self._times.pop(event, None)

    def record_event(self, event: int, stream: int) -> None:
        self._times[event] = time.perf_counter()

    def synchronize_event(self, event: int) -> None:
        pass

    def event_is_done(self, event: int) -> bool:
        return True

    def milliseconds_between(self, start: int, end: int) -> float:
        if start not in self._times or end not in self._times:
            raise MemoryError_("the event was not recorded")
        return (self._times[end] - self._times[start]) * 1e3

    def _map(self, address: int | None, size: int, protection: int, flags: int) -> int:
        flags |= mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        place = self._libc.mmap(address, size, protection, flags, -1, 0)
        if place in (None, ctypes.c_void_p(-1).value):
            raise MemoryError_(f"no room for {size} bytes of device memory")
        return int(place)


class Registry:
    """Allocations by address, the freed ones included."""

    _REMEMBERED = 4096  # freed allocations whose addresses stay reserved

    def __init__(self, choose: Callable[[], Backend]) -> None:
        """`choose` makes the backend when the first call needs one."""
        self._choose = choose
        self._backend: Backend | None = None
        self._lock = threading.RLock()
        self._starts: list[int] = []  # sorted
        self._sizes: dict[int, int] = {}
        self._freed: collections.OrderedDict[int, None] = collections.OrderedDict()

    @property
    def backend(self) -> Backend:
        if self._backend is None:
            with self._lock:
                self._backend = self._backend or self._choose()
        return self._backend

    @property
    def is_chosen(self) -> bool:
        return self._backend is not None

    def allocate(self, size: int) -> int:
        if size <= 0:
            raise MemoryError_(f"allocation of {size} bytes; needed: 1 or more")
        with self._lock:
            address = self.backend.allocate(size)
            if self.backend.reuses_addresses:
                self._forget_freed(address, size)
            bisect.insort(self._starts, address)
            self._sizes[address] = size
        return address

    def free(self, address: int) -> None:
        with self._lock:
            if address in self._freed:
                raise MemoryError_(f"the device memory at {address:#x} was freed already")
            if address not in self._sizes:
                raise MemoryError_(f"{address:#x} is no device memory that was allocated here")
            self.backend.free(address, self._sizes[address])
            self._freed[address] = None
            if len(self._freed) > self._REMEMBERED:
                self._forget(self._freed.popitem(last=False)[0])

    def room(self, address: int) -> int | None:
        """Bytes from `address` to the end of its allocation; None if the address is foreign (memory
        of another library). Raises for one that was freed."""
        with self._lock:
            place = bisect.bisect_right(self._starts, address) - 1
            if place < 0:
                return None
            start = self._starts[place]
            left = start + self._sizes[start] - address
            if left <= 0:
                return None
            if start in self._freed:
                raise MemoryError_(f"the device memory at {address:#x} was freed")
            return left

    def check(self, address: int, size: int, what: str) -> None:
        """Raises unless `size` bytes may be accessed there, as far as that can be known."""
        if address == 0:
            raise MemoryError_(f"{what}: null pointer")
        try:
            room = self.room(address)
        except MemoryError_ as error:
            raise MemoryError_(f"{what}: {error}") from None
        if room is not None and room < size:
            raise MemoryError_(f"{what}: {size} bytes at {address:#x}; its allocation has {room} left")

    def used(self) -> int:
        with self._lock:
            return sum(size for start, size in self._sizes.items() if start not in self._freed)

    def _forget_freed(self, address: int, size: int) -> None:
        """Drops freed allocations that lie where a new one begins to live."""
        for start in [s for s in self._freed if s < address + size and address < s + self._sizes[s]]:
            del self._freed[start]
            self._forget(start)

    def _forget(self, address: int) -> None:
        self.backend.forget(address, self._sizes.pop(address))
        del self._starts[bisect.bisect_left(self._starts, address)]


_wanted = "auto"


def want(device: str) -> None:
    """Chooses the device; see `xinfer.cuda.use`."""
    global _wanted
    if device not in ("auto", "cpu", "cuda"):
        raise ValueError(f'device "{device}"; needed: auto, cpu or cuda')
    if device == "cuda":
        _check_gpu()
    if registry.is_chosen and device != "auto" and (device == "cuda") != (registry.backend.name == "gpu"):
        raise MemoryError_(f"the device is {registry.backend.name} already: choose before memory is used")
    _wanted = device


def _check_gpu() -> None:
    from xinfer import _core

    if not _core.gpu_names():
        raise MemoryError_(f"no GPU: {_core.gpu_driver_status()}")


def _choose() -> Backend:
    from xinfer import _core

    if _wanted == "cpu" or (_wanted == "auto" and not _core.gpu_names()):
        return HostBackend()
    from xinfer.cuda._gpu import GpuBackend

    return GpuBackend()


registry = Registry(_choose)
