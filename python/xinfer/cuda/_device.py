"""Devices and contexts: a GPU's, or the CPU in their place."""

from __future__ import annotations

from typing import Any

from xinfer import _core, cuda
from xinfer.cuda import _memory
from xinfer.cuda._async import nothing

# CUdevice_attribute, as far as scripts ask for them.
_ATTRIBUTES = {
    "MAX_THREADS_PER_BLOCK": 1,
    "WARP_SIZE": 10,
    "CLOCK_RATE": 13,
    "MULTIPROCESSOR_COUNT": 16,
    "MEMORY_CLOCK_RATE": 36,
    "GLOBAL_MEMORY_BUS_WIDTH": 37,
    "L2_CACHE_SIZE": 38,
    "COMPUTE_CAPABILITY_MAJOR": 75,
    "COMPUTE_CAPABILITY_MINOR": 76,
}


def _gpu() -> Any:
    """The GPU's calls; None on the host."""
    return _memory.registry.backend if cuda.device_kind() == "cuda" else None


class Device:
    """A device that engines run on: a GPU, or the CPU."""

    def __init__(self, number: int = 0) -> None:
        if not 0 <= number < Device.count():
            what = "GPU(s)" if _gpu() else "(the CPU)"
            raise cuda.LogicError(f"device {number}; this machine has {Device.count()} {what}")
        self.number = number

    @staticmethod
    def count() -> int:
        gpu = _gpu()
        return gpu.device_count() if gpu else 1

    def name(self) -> str:
        gpu = _gpu()
        return gpu.device_name(self.number) if gpu else _core.cpu_name()

    def compute_capability(self) -> tuple[int, int]:
        gpu = _gpu()
        if gpu is None:
            raise cuda.LogicError("the CPU has no compute capability")
        return gpu.attribute(75, self.number), gpu.attribute(76, self.number)

    def total_memory(self) -> int:
        gpu = _gpu()
        return gpu.total_memory(self.number) if gpu else cuda.mem_get_info()[1]

    def pci_bus_id(self) -> str:
        gpu = _gpu()
        return gpu.pci_bus_id(self.number) if gpu else "0000:00:00.0"

    def get_attributes(self) -> dict[str, int]:
        gpu = _gpu()
        return {name: gpu.attribute(which, self.number) for name, which in _ATTRIBUTES.items()} if gpu else {}

    def make_context(self, flags: int = 0) -> Context:
        """The device's primary context, made current: PyTorch's memory is valid in it as well."""
        context = Context(self)
        context.push()
        return context

    def retain_primary_context(self) -> Context:
        return Context(self)


class Context:
    """A device's primary context; on the host only a place in the stack of contexts."""

    _stack: list[Context] = []

    def __init__(self, device: Device | None = None) -> None:
        self._device = device or Device(0)
        gpu = _gpu()
        self.handle = gpu.primary_context(self._device.number) if gpu else id(self)

    def push(self) -> None:
        gpu = _gpu()
        if gpu:
            cuda.checked(gpu.push_context, self.handle)
        Context._stack.append(self)

    @staticmethod
    def pop() -> None:
        if not Context._stack:
            raise cuda.LogicError("Context.pop: no context is current")
        gpu = _gpu()
        if gpu:
            cuda.checked(gpu.pop_context)
        Context._stack.pop()

    @staticmethod
    def get_current() -> Context | None:
        return Context._stack[-1] if Context._stack else None

    @staticmethod
    def get_device() -> Device:
        gpu = _gpu()
        return Device(gpu.current_device() if gpu else 0)

    @staticmethod
    def synchronize() -> None:
        cuda.checked(_memory.registry.backend.synchronize)

    def detach(self) -> None:
        if Context._stack and Context._stack[-1] is self:
            Context.pop()
        elif self in Context._stack:
            Context._stack.remove(self)

    attach = staticmethod(nothing)
    set_limit = staticmethod(nothing)
    set_cache_config = staticmethod(nothing)

    def __enter__(self) -> Context:
        self.push()
        return self

    def __exit__(self, *_: object) -> None:
        self.pop()


def init(flags: int = 0) -> None:
    """Chooses the device, if nothing has done so yet."""
    cuda.device_kind()
