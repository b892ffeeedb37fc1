"""A GPU behind `xinfer.cuda`: the driver's calls, through ctypes.

Everything happens in the calling thread's current context; where there is none, the device's primary
context, which PyTorch and the CUDA runtime use as well, is made current.
"""

from __future__ import annotations

import contextlib
import ctypes
import threading
import weakref
from typing import Any

from xinfer.cuda._memory import MemoryError_

_OUT_OF_MEMORY, _NOT_READY = 2, 600
_KERNEL_FAILURES = range(700, 720)

_handle, _address, _size = ctypes.c_void_p, ctypes.c_uint64, ctypes.c_size_t
_SIGNATURES = {
    "cuCtxGetCurrent": [ctypes.POINTER(_handle)],
    "cuCtxGetDevice": [ctypes.POINTER(ctypes.c_int)],
    "cuCtxPopCurrent_v2": [ctypes.POINTER(_handle)],
    "cuCtxPushCurrent_v2": [_handle],
    "cuCtxSetCurrent": [_handle],
    "cuCtxSynchronize": [],
    "cuDeviceGetAttribute": [ctypes.POINTER(ctypes.c_int), ctypes.c_int, ctypes.c_int],
    "cuDeviceGetCount": [ctypes.POINTER(ctypes.c_int)],
    "cuDeviceGetName": [ctypes.c_char_p, ctypes.c_int, ctypes.c_int],
    "cuDeviceGetPCIBusId": [ctypes.c_char_p, ctypes.c_int, ctypes.c_int],
    "cuDevicePrimaryCtxRetain": [ctypes.POINTER(_handle), ctypes.c_int],
    "cuDeviceTotalMem_v2": [ctypes.POINTER(_size), ctypes.c_int],
    "cuDriverGetVersion": [ctypes.POINTER(ctypes.c_int)],
    "cuEventCreate": [ctypes.POINTER(_handle), ctypes.c_uint],
    "cuEventDestroy_v2": [_handle],
    "cuEventElapsedTime": [ctypes.POINTER(ctypes.c_float), _handle, _handle],
    "cuEventQuery": [_handle],
    "cuEventRecord": [_handle, _handle],
    "cuEventSynchronize": [_handle],
    "cuGetErrorName": [ctypes.c_int, ctypes.POINTER(ctypes.c_char_p)],
    "cuInit": [ctypes.c_uint],
    "cuMemAlloc_v2": [ctypes.POINTER(_address), _size],
    "cuMemFreeHost": [_handle],
    "cuMemFree_v2": [_address],
    "cuMemGetInfo_v2": [ctypes.POINTER(_size), ctypes.POINTER(_size)],
    "cuMemHostAlloc": [ctypes.POINTER(_handle), _size, ctypes.c_uint],
    "cuMemcpy": [_address, _address, _size],
    "cuMemcpyAsync": [_address, _address, _size, _handle],
    "cuMemsetD16Async": [_address, ctypes.c_ushort, _size, _handle],
    "cuMemsetD32Async": [_address, ctypes.c_uint, _size, _handle],
    "cuMemsetD8Async": [_address, ctypes.c_ubyte, _size, _handle],
    "cuStreamCreate": [ctypes.POINTER(_handle), ctypes.c_uint],
    "cuStreamDestroy_v2": [_handle],
    "cuStreamQuery": [_handle],
    "cuStreamSynchronize": [_handle],
    "cuStreamWaitEvent": [_handle, _handle, ctypes.c_uint],
}


class DriverError(MemoryError_):
    """A driver call failed."""

    def __init__(self, call: str, code: int, name: str) -> None:
        super().__init__(f"{call} failed: {name} ({code})")
        self.code = code
        self.is_out_of_memory = code == _OUT_OF_MEMORY
        self.is_kernel_failure = code in _KERNEL_FAILURES


class Driver:
    """libcuda's functions by name; a failure raises DriverError."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL("libcuda.so.1")
        for name, arguments in _SIGNATURES.items():
            function = getattr(self._library, name)
            function.argtypes, function.restype = arguments, ctypes.c_int
        self("cuInit", 0)

    def code(self, name: str, *arguments: Any) -> int:
        return getattr(self._library, name)(*arguments)

    def __call__(self, name: str, *arguments: Any) -> None:
        code = self.code(name, *arguments)
        if code != 0:
            text = ctypes.c_char_p(b"unknown error")
            self._library.cuGetErrorName(code, ctypes.byref(text))
            raise DriverError(name.partition("_v")[0], code, (text.value or b"").decode())

    def value(self, kind: Any, name: str, *arguments: Any) -> Any:
        """What a call writes through its first argument."""
        result = kind()
        self(name, ctypes.byref(result), *arguments)
        return result.value


class GpuBackend:
    """Device memory, streams and events of GPU 0, or of the context that is current."""

    name = "gpu"
    reuses_addresses = True
    _DONE = 0

    def __init__(self) -> None:
        self.driver = Driver()
        self._primary: dict[int, int] = {}
        self._lock = threading.Lock()
        self.enter()

    def enter(self) -> None:
        """Makes a context current if the thread has none."""
        if self.driver.value(_handle, "cuCtxGetCurrent") is None:
            self.driver("cuCtxSetCurrent", self.primary_context(0))

    def primary_context(self, device: int) -> int:
        with self._lock:
            if device not in self._primary:
                self._primary[device] = self.driver.value(_handle, "cuDevicePrimaryCtxRetain", device)
            return self._primary[device]

    def allocate(self, size: int) -> int:
        self.enter()
        return self.driver.value(_address, "cuMemAlloc_v2", size)

    def free(self, address: int, size: int) -> None:
        self.enter()
        self.driver("cuMemFree_v2", address)

    def forget(self, address: int, size: int) -> None:
        """Nothing: the driver has the addresses back already."""

    def copy(self, target: int, source: int, size: int) -> None:
        self.enter()
        self.driver("cuMemcpy", target, source, size)

    def copy_async(self, target: int, source: int, size: int, stream: int) -> None:
        self.enter()
        self.driver("cuMemcpyAsync", target, source, size, stream)

    def fill(self, target: int, pattern: bytes, count: int) -> None:
        self.enter()
        value = int.from_bytes(pattern, "little")
        self.driver(f"cuMemsetD{8 * len(pattern)}Async", target, value, count, None)
        self.driver("cuStreamSynchronize", None)

    def allocate_page_locked(self, size: int) -> Any:
        self.enter()
        address = self.driver.value(_handle, "cuMemHostAlloc", size, 1)
        array = (ctypes.c_char * size).from_address(address)
        weakref.finalize(array, self.driver.code, "cuMemFreeHost", address)
        return array

    def memory_info(self) -> tuple[int, int]:
        self.enter()
        free, total = _size(), _size()
        self.driver("cuMemGetInfo_v2", ctypes.byref(free), ctypes.byref(total))
        return free.value, total.value

    def synchronize(self) -> None:
        self.enter()
        self.driver("cuCtxSynchronize")

    def create_stream(self, flags: int) -> int:
        self.enter()
        return self.driver.value(_handle, "cuStreamCreate", flags)

    def destroy_stream(self, stream: int) -> None:
        with contextlib.suppress(DriverError):  # its context may be gone
            self.driver("cuStreamDestroy_v2", stream)

    def synchronize_stream(self, stream: int) -> None:
        self.enter()
        self.driver("cuStreamSynchronize", stream)

    def stream_is_done(self, stream: int) -> bool:
        return self._is_done("cuStreamQuery", stream)

    def wait_for_event(self, stream: int, event: int) -> None:
        self.driver("cuStreamWaitEvent", stream, event, 0)

    def create_event(self, flags: int) -> int:
        self.enter()
        return self.driver.value(_handle, "cuEventCreate", flags)

    def destroy_event(self, event: int) -> None:
        with contextlib.suppress(DriverError):
            self.driver("cuEventDestroy_v2", event)

    def record_event(self, event: int, stream: int) -> None:
        self.enter()
        self.driver("cuEventRecord", event, stream)

    def synchronize_event(self, event: int) -> None:
        self.driver("cuEventSynchronize", event)

    def event_is_done(self, event: int) -> bool:
        return self._is_done("cuEventQuery", event)

    def milliseconds_between(self, start: int, end: int) -> float:
        return self.driver.value(ctypes.c_float, "cuEventElapsedTime", start, end)

    def device_name(self, device: int) -> str:
        name = ctypes.create_string_buffer(256)
        self.driver("cuDeviceGetName", name, 256, device)
        return name.value.decode()

    def pci_bus_id(self, device: int) -> str:
        text = ctypes.create_string_buffer(32)
        self.driver("cuDeviceGetPCIBusId", text, 32, device)
        return text.value.decode()

    def attribute(self, which: int, device: int) -> int:
        return self.driver.value(ctypes.c_int, "cuDeviceGetAttribute", which, device)

    def device_count(self) -> int:
        return self.driver.value(ctypes.c_int, "cuDeviceGetCount")

    def total_memory(self, device: int) -> int:
        return self.driver.value(_size, "cuDeviceTotalMem_v2", device)

    def current_device(self) -> int:
        self.enter()
        return self.driver.value(ctypes.c_int, "cuCtxGetDevice")

    def push_context(self, context: int) -> None:
        self.driver("cuCtxPushCurrent_v2", context)

    def pop_context(self) -> None:
        self.driver.value(_handle, "cuCtxPopCurrent_v2")

    def version(self) -> int:
        return self.driver.value(ctypes.c_int, "cuDriverGetVersion")

    def _is_done(self, call: str, handle: int) -> bool:
        code = self.driver.code(call, handle)
        if code == _NOT_READY:
            return False
        if code != self._DONE:
            raise DriverError(call, code, "a kernel or a copy failed")
        return True
