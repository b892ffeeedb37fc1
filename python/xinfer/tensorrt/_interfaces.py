"""Interfaces that scripts implement: profilers, monitors, recorders, allocators, streams."""

from __future__ import annotations

import sys
from typing import Any

from xinfer.tensorrt._basics import say
from xinfer.tensorrt._enums import APILanguage, ErrorCodeTRT, SeekPosition


class IProfiler:
    """Receives the time of every layer of a run."""

    def report_layer_time(self, layer_name: str, ms: float) -> None:
        raise NotImplementedError(f"{type(self).__name__}.report_layer_time is not overridden")


class Profiler(IProfiler):
    """Prints the times."""

    def report_layer_time(self, layer_name: str, ms: float) -> None:
        print(f"{layer_name}: {ms:.6f}ms", file=sys.stdout)


class IProgressMonitor:
    """Follows a build. `step_complete` returns False to cancel it."""

    def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
        pass

    def step_complete(self, phase_name: str, step: int) -> bool:
        return True

    def phase_finish(self, phase_name: str) -> None:
        pass


class IErrorRecorder:
    """Collects errors; subclass it and override everything."""

    MAX_DESC_LENGTH = 127

    def num_errors(self) -> int:
        return 0

    def get_error_code(self, error_idx: int) -> ErrorCodeTRT:
        raise NotImplementedError

    def get_error_desc(self, error_idx: int) -> str:
        raise NotImplementedError

    def has_overflowed(self) -> bool:
        return False

    def clear(self) -> None:
        pass

    def report_error(self, code: ErrorCodeTRT, desc: str) -> bool:
        return False


class InterfaceInfo:
    """Kind and version of an interface."""

    kind, major, minor = "", 1, 0

    def __init__(self, kind: str = "", major: int = 1, minor: int = 0) -> None:
        self.kind, self.major, self.minor = kind, major, minor


class IVersionedInterface:
    """An interface that says its version and language."""

    @property
    def api_language(self) -> APILanguage:
        return APILanguage.PYTHON

    @property
    def interface_info(self) -> InterfaceInfo:
        return InterfaceInfo(type(self).__name__)


class IGpuAllocator(IVersionedInterface):
    """Taken and not called: engines on a CPU allocate host memory themselves."""

    def allocate(self, size: int, alignment: int, flags: int) -> int:
        raise NotImplementedError

    def deallocate(self, memory: int) -> bool:
        raise NotImplementedError

    def free(self, memory: int) -> None:
        """TensorRT 8's name for `deallocate`."""
        self.deallocate(memory)

    def reallocate(self, address: int, alignment: int, new_size: int) -> int:
        return 0

    def allocate_async(self, size: int, alignment: int, flags: int, stream: int) -> int:
        return self.allocate(size, alignment, flags)

    def deallocate_async(self, memory: int, stream: int) -> bool:
        return self.deallocate(memory)


class IGpuAsyncAllocator(IGpuAllocator):
    """As IGpuAllocator."""


class IOutputAllocator:
    """Gives memory for an output whose size is known only when it is computed."""

    tensorrt_version = 8600

    def reallocate_output(self, tensor_name: str, memory: int, size: int, alignment: int) -> int:
        raise NotImplementedError(f"{type(self).__name__}.reallocate_output is not overridden")

    def notify_shape(self, tensor_name: str, shape: Any) -> None:
        pass


class IDebugListener:
    """Receives tensors that were marked for debugging."""

    def process_debug_tensor(
        self, addr: int, location: Any, type: Any, shape: Any, name: str, stream: int
    ) -> bool:
        return True


class IStreamReader:
    """A source of an engine's bytes."""

    def read(self, size: int) -> bytes:
        raise NotImplementedError


class IStreamReaderV2:
    """A source of an engine's bytes that can seek."""

    def read(self, num_bytes: int, stream: int) -> bytes:
        raise NotImplementedError

    def seek(self, offset: int, where: SeekPosition) -> bool:
        raise NotImplementedError


class IStreamWriter:
    """A sink of an engine's bytes."""

    def write(self, data: bytes) -> int:
        raise NotImplementedError


def record_error(owner: Any, code: ErrorCodeTRT, message: str) -> None:
    """Logs an error and hands it to the owner's error recorder."""
    from xinfer.tensorrt._basics import Severity

    say(owner.logger, Severity.ERROR, message)
    recorder = getattr(owner, "error_recorder", None)
    if recorder is not None:
        recorder.report_error(code, message[: recorder.MAX_DESC_LENGTH])
