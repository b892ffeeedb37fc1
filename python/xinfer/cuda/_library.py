"""The CUDA runtime library as `ctypes` sees it: for scripts that load `libcudart.so` themselves.

Calls have C's signatures: results go to pointers that come first, the error code is returned.
"""

from __future__ import annotations

import ctypes
import pathlib
import re
from collections.abc import Callable
from typing import Any

from xinfer.cuda import runtime

#: Pointers to results that a function's first arguments are.
_RESULTS = {
    "cudaEventCreate": 1,
    "cudaEventCreateWithFlags": 1,
    "cudaEventElapsedTime": 1,
    "cudaGetDevice": 1,
    "cudaGetDeviceCount": 1,
    "cudaHostAlloc": 1,
    "cudaMalloc": 1,
    "cudaMallocAsync": 1,
    "cudaMallocHost": 1,
    "cudaMallocManaged": 1,
    "cudaMemGetInfo": 2,
    "cudaRuntimeGetVersion": 1,
    "cudaStreamCreate": 1,
    "cudaStreamCreateWithFlags": 1,
}

#: Functions that return text instead of a code.
_TEXTS = ("cudaGetErrorName", "cudaGetErrorString")


def _value(argument: Any) -> Any:
    """The number in an int or a ctypes value; a null pointer is 0."""
    return (argument.value or 0) if hasattr(argument, "value") else argument


def _store(pointer: Any, value: Any) -> None:
    """Writes to where `byref(x)` or `pointer(x)` points."""
    target = pointer._obj if hasattr(pointer, "_obj") else pointer.contents
    target.value = value


class _Function:
    """A function of the library; `argtypes` and `restype` may be set and mean nothing."""

    def __init__(self, name: str, call: Callable[..., tuple[Any, ...]]) -> None:
        self._name, self._call = name, call
        self.argtypes: Any = None
        self.restype: Any = None

    def __call__(self, *arguments: Any) -> Any:
        results = _RESULTS.get(self._name, 0)
        code, *values = self._call(*(_value(argument) for argument in arguments[results:]))
        if self._name in _TEXTS:
            return values[0]
        if code == 0:
            for pointer, value in zip(arguments, values, strict=False):
                _store(pointer, value)
        return int(code)


class RuntimeLibrary:
    """Stands for `ctypes.CDLL("libcudart.so")`."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> _Function:
        call = getattr(runtime, name, None) if name.startswith("cuda") else None
        if not callable(call):
            raise AttributeError(f"{self._name}: undefined symbol: {name}")
        function = _Function(name, call)
        setattr(self, name, function)
        return function


def redirect_ctypes() -> None:
    """Lets `ctypes.CDLL` of the CUDA runtime mean ours, in this process."""
    real = ctypes.CDLL
    wanted = re.compile(r"(lib)?cudart(64_\d+|32_\d+)?\b")

    class CDLL(real):  # type: ignore[misc, valid-type]
        def __new__(cls, name: Any = None, *arguments: Any, **options: Any) -> Any:
            if name is not None and wanted.match(pathlib.Path(str(name)).name):
                return RuntimeLibrary(str(name))
            return super().__new__(cls)

    ctypes.CDLL = CDLL  # type: ignore[misc]
    ctypes.cdll = ctypes.LibraryLoader(CDLL)
