"""Progress on a terminal, as tqdm shows it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO

Callback = Callable[[str, int, int], object]


class ProgressBar:
    """A callback for `progress=`: one line a stage, redrawn on a terminal, plain when piped."""

    WIDTH = 30

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._stage = ""
        self._start = 0.0
        self._drawn = 0.0
        self._last = (0, 0)

    def __call__(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if stage != self._stage:
            self.close()
            self._stage, self._start, self._drawn = stage, now, 0.0
        self._last = (done, total)
        if self._stream.isatty() and (now - self._drawn > 0.1 or done == total):
            self._drawn = now
            self._stream.write("\r\033[K" + self._line())
            self._stream.flush()

    def close(self) -> None:
        """Ends the stage's line."""
        if self._stage:
            self._stream.write(("\r\033[K" if self._stream.isatty() else "") + self._line() + "\n")
        self._stage = ""

    def _line(self) -> str:
        done, total = self._last
        seconds = time.monotonic() - self._start
        if total <= 0:
            return f"{self._stage}: {done} [{seconds:.1f} s]"
        filled = self.WIDTH * done // total
        left = f", {seconds / done * (total - done):.0f} s left" if 0 < done < total else ""
        bar = "#" * filled + "." * (self.WIDTH - filled)
        return f"{self._stage}: {100 * done // total:3d}% |{bar}| {done}/{total} [{seconds:.1f} s{left}]"


def as_callback(progress: bool | Callback | None) -> tuple[Callback | None, Callable[[], None]]:
    """What the library calls, and what ends the display."""
    if progress is True:
        bar = ProgressBar()
        return bar, bar.close
    return (progress or None), lambda: None
