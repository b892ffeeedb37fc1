"""The base of TensorRT's enumerations."""

from __future__ import annotations

import enum


class TrtEnum(enum.Enum):
    """An enumeration that converts to int but is none, as pybind11's are."""

    def __int__(self) -> int:
        return self.value

    __index__ = __int__

    def __hash__(self) -> int:
        return hash((type(self).__name__, self.value))
