"""Streams and events. On the host every call is finished when it returns."""

from __future__ import annotations

from typing import Any

from xinfer.cuda import _memory


def handle_of(stream: Any) -> int:
    """The handle in a stream of this or another library, or in an int; 0, the default stream, in None."""
    if stream is None:
        return 0
    if isinstance(stream, int):
        return stream
    protocol = getattr(stream, "__cuda_stream__", None)
    if protocol is not None:  # cuda.core: (version, handle)
        return int((protocol() if callable(protocol) else protocol)[1])
    for name in ("cuda_stream", "handle", "ptr"):  # PyTorch, pycuda, CuPy
        if hasattr(stream, name):
            return int(getattr(stream, name))
    return int(stream)


class Stream:
    """An ordered queue of work; on the host it is always empty."""

    def __init__(self, flags: int = 0, priority: int = 0) -> None:
        self._backend = _memory.registry.backend
        self.handle = self._backend.create_stream(flags)
        self.priority = priority

    def synchronize(self) -> None:
        _checked(self._backend.synchronize_stream, self.handle)

    def is_done(self) -> bool:
        return _checked(self._backend.stream_is_done, self.handle)

    def wait_for_event(self, event: Event) -> None:
        _checked(self._backend.wait_for_event, self.handle, event.handle)

    @property
    def ptr(self) -> int:
        return self.handle

    def __int__(self) -> int:
        return self.handle

    __index__ = __int__

    def __del__(self) -> None:
        if hasattr(self, "handle"):
            self._backend.destroy_stream(self.handle)


class Event:
    """A point in time of a stream."""

    def __init__(self, flags: int = 0) -> None:
        self._backend = _memory.registry.backend
        self.handle = self._backend.create_event(flags)

    def record(self, stream: Any = None) -> Event:
        _checked(self._backend.record_event, self.handle, handle_of(stream))
        return self

    def synchronize(self) -> Event:
        _checked(self._backend.synchronize_event, self.handle)
        return self

    def query(self) -> bool:
        return _checked(self._backend.event_is_done, self.handle)

    def time_since(self, start: Event) -> float:
        """Milliseconds."""
        return _checked(self._backend.milliseconds_between, start.handle, self.handle)

    def time_till(self, end: Event) -> float:
        return end.time_since(self)

    def __int__(self) -> int:
        return self.handle

    __index__ = __int__

    def __del__(self) -> None:
        if hasattr(self, "handle"):
            self._backend.destroy_event(self.handle)


def _checked(call: Any, *arguments: Any) -> Any:
    from xinfer.cuda import checked

    return checked(call, *arguments)


def nothing(*_: Any, **__: Any) -> None:
    """A call without an effect here (cache configuration, profiler start, …)."""
