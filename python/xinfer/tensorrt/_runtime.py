"""Runtime: loads serialised engines."""

from __future__ import annotations

from typing import Any

from xinfer import _core
from xinfer._errors import Error, UnsupportedError
from xinfer.tensorrt._basics import ContextManager
from xinfer.tensorrt._engine import ICudaEngine
from xinfer.tensorrt._enums import ErrorCodeTRT
from xinfer.tensorrt._interfaces import IStreamReader, IStreamReaderV2, record_error
from xinfer.tensorrt._plugins import IPluginRegistry, plugin_registry

_CHUNK = 1 << 24


class Runtime(ContextManager):
    """Loads serialised engines. A failure is logged, reported to the error recorder, and gives None."""

    num_DLA_cores = 0

    def __init__(self, logger: Any) -> None:
        if logger is None:
            raise TypeError("Runtime: needed: a logger")
        self._logger = logger
        self.error_recorder: Any = None
        self.gpu_allocator: Any = None
        self.max_threads = 0
        self.DLA_core = -1
        self.engine_host_code_allowed = False
        self.temporary_directory = ""
        self.tempfile_control_flags = 0

    @property
    def logger(self) -> Any:
        return self._logger

    def get_plugin_registry(self) -> IPluginRegistry:
        return plugin_registry

    def load_runtime(self, path: str) -> Runtime:
        raise UnsupportedError(f"unsupported: the lean runtime {path}; this module runs engines itself")

    def deserialize_cuda_engine(self, serialized_engine: Any) -> ICudaEngine | None:
        try:
            return ICudaEngine(_core.Engine.from_bytes(_bytes_of(serialized_engine)), self._logger)
        except Error as error:
            record_error(self, ErrorCodeTRT.INVALID_ARGUMENT, str(error))
            return None


def _bytes_of(source: Any) -> bytes:
    if not isinstance(source, (IStreamReader, IStreamReaderV2)):
        return bytes(source)
    parts = []
    while True:
        args = (_CHUNK, 0) if isinstance(source, IStreamReaderV2) else (_CHUNK,)
        part = source.read(*args)
        if not part:
            return b"".join(parts)
        parts.append(bytes(part))
