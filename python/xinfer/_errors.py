"""The exceptions that xinfer raises. Each carries the message of the C++ library."""

from __future__ import annotations


class Error(RuntimeError):
    """What every failure of xinfer is; `code` names its kind."""

    code = "internal"


class InvalidArgumentError(Error, ValueError):
    """A call's arguments contradict each other, the model or the engine."""

    code = "invalid_argument"


class InvalidModelError(Error, ValueError):
    """The ONNX file is broken or no valid model."""

    code = "invalid_model"


class UnsupportedError(Error, NotImplementedError):
    """Valid, but outside what xinfer supports; the message says what is."""

    code = "unsupported"


class OutOfMemoryError(Error, MemoryError):
    """Host or device memory ran out."""

    code = "out_of_memory"


class DeviceError(Error):
    """A driver call failed, or the device is absent."""

    code = "device_error"


class IncompatibleEngineError(Error):
    """The engine file is damaged, foreign, newer, or for another device."""

    code = "incompatible_engine"


class IoError(Error, OSError):
    """A file could not be read or written."""

    code = "io_error"


class InternalError(Error):
    """A bug in xinfer."""

    code = "internal"


BY_CODE: dict[str, type[Error]] = {
    kind.code: kind
    for kind in (
        InvalidArgumentError,
        InvalidModelError,
        UnsupportedError,
        OutOfMemoryError,
        DeviceError,
        IncompatibleEngineError,
        IoError,
        InternalError,
    )
}
