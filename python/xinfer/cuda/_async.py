"""Streams and events. On the host every call is finished when it returns."""

from __future__ import annotations

import itertools
import time
from typing import Any

_handles = itertools.count(0x5000_0000, 0x10)


class Stream:
    """An ordered queue of work; on the host it is always empty."""

    def __init__(self, flags: int = 0, priority: int = 0) -> None:
        self.handle = next(_handles)
        self.priority = priority

    def synchronize(self) -> None:
        pass

    def is_done(self) -> bool:
        return True

    def wait_for_event(self, event: Event) -> None:
        pass

    @property
    def ptr(self) -> int:
        return self.handle

    def __int__(self) -> int:
        return self.handle

    __index__ = __int__


class Event:
    """A point in time of a stream."""

    def __init__(self, flags: int = 0) -> None:
        self.handle = next(_handles)
        self._time: float | None = None

    def record(self, stream: Stream | None = None) -> Event:
        self._time = time.perf_counter()
        return self

    def synchronize(self) -> Event:
        return self

    def query(self) -> bool:
        return True

    def time_since(self, start: Event) -> float:
        """Milliseconds."""
        return (self._recorded() - start._recorded()) * 1e3

    def time_till(self, end: Event) -> float:
        return end.time_since(self)

    def _recorded(self) -> float:
        if self._time is None:
            from xinfer.cuda import LogicError

            raise LogicError("the event was not recorded")
        return self._time

    def __int__(self) -> int:
        return self.handle

    __index__ = __int__


def nothing(*_: Any, **__: Any) -> None:
    """A call without an effect on the host (context push and pop, profiler start, …)."""
