"""How engines are built: for which device, and the settings that a later build of the same network repeats."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Sequence
from typing import Any

from xinfer import _core
from xinfer._errors import UnsupportedError
from xinfer.cuda import _memory
from xinfer.tensorrt._basics import Severity, say

#: Settings that decide what an engine computes and for which shapes.
_SETTINGS = ("with_fp16", "with_max_batch_size", "with_profile")


def build_device(logger: Any) -> str:
    """What engines are built for: the device whose memory `xinfer.cuda` has."""
    if _memory.registry.backend.name != "gpu":
        return "cpu"
    status = _core.kernel_compiler_status()
    if not status.startswith("NVRTC of"):
        raise UnsupportedError(f'a GPU is the device, but its kernels cannot be compiled: {status}; for the CPU: '
                               'xinfer.cuda.use("cpu"), or --device cpu before the script')
    say(logger, Severity.INFO, f"engines are built for {_core.gpu_names()[0]}", once=True)
    return "cuda"


def timing_cache_path() -> pathlib.Path:
    """Where kernel times are kept between builds, so that a later build finds the same kernels fastest."""
    folder = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "xinfer"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "timing.json"


class CacheAlone:
    """A calibrator that has nothing but a cache."""

    def __init__(self, cache: bytes) -> None:
        self.cache = cache

    def batch_size(self) -> int:
        return 1

    def algorithm(self) -> str:
        return "entropy2"

    def sample_count(self) -> int | None:
        return None

    def next_batch(self, names: list[str]) -> None:
        return None

    def read_cache(self) -> bytes:
        return self.cache

    def write_cache(self, cache: bytes) -> None:
        """A build from a cache writes none."""


def choose_device(builder: _core.EngineBuilder, logger: Any, targets: Sequence[str] = ()) -> None:
    """The device whose memory `xinfer.cuda` has, or `targets`, those of an engine to be built again, where
    they are for others."""
    device = "cpu" if list(targets) == ["cpu"] else build_device(logger)
    if device == "cpu" and targets:
        device = ",".join(targets)
    builder.on(device)
    if device != "cpu":
        builder.with_timing_cache(timing_cache_path())


class Recipe:
    """A builder (`core`) whose lasting settings are written down."""

    def __init__(self) -> None:
        self.core = _core.EngineBuilder()
        self.settings: list[tuple[str, tuple[Any, ...]]] = []

    def with_calibrator(self, calibrator: Any) -> None:
        self.core.with_calibrator(calibrator)

    def set(self, name: str, *arguments: Any) -> None:
        """Calls a setter of the builder."""
        if name not in _SETTINGS:
            raise ValueError(f"{name}; needed: one of {_SETTINGS}")
        getattr(self.core, name)(*arguments)
        self.settings.append((name, arguments))
