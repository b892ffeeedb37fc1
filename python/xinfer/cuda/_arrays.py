"""Addresses and sizes of what callers pass as memory: pointers, arrays, buffers."""

from __future__ import annotations

from typing import Any

import numpy


def address_of(pointer: Any) -> int:
    """The address in an int or in an object that converts to one (DeviceAllocation, c_void_p)."""
    if isinstance(pointer, int):
        return pointer
    for name in ("__index__", "__int__"):
        if hasattr(pointer, name):
            return int(pointer)
    for name in ("ptr", "gpudata", "handle", "value"):  # GPUArray, c_void_p
        if hasattr(pointer, name):
            return address_of(getattr(pointer, name) or 0)
    interface = getattr(pointer, "__cuda_array_interface__", None)
    if interface is not None:
        return int(interface["data"][0])
    if hasattr(pointer, "data_ptr"):  # a PyTorch tensor
        return int(pointer.data_ptr())
    raise TypeError(f"{type(pointer).__name__} is no device pointer")


def host_bytes(buffer: Any, writable: bool) -> tuple[int, int, Any]:
    """Address and size of a host buffer, and what keeps it alive. A contiguous one is not copied."""
    if isinstance(buffer, numpy.ndarray):
        array = buffer
    else:
        array = numpy.frombuffer(buffer, dtype=numpy.uint8)
    if not (array.flags.c_contiguous or array.flags.f_contiguous):
        raise ValueError("the host buffer is not contiguous: pass numpy.ascontiguousarray(it)")
    if writable and not array.flags.writeable:
        raise ValueError("the host buffer is read-only")
    return array.ctypes.data, array.nbytes, array
