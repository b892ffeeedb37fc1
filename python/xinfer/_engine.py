"""Engines: loading and running."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from xinfer import _core, _info


class Engine:
    """A compiled model and a context that runs it.

    Calling it runs it::

        with xinfer.Engine("model.engine") as engine:
            scores = engine(images)          # one array in, one array out
            scores, boxes = engine([a, b])   # lists in the order of the inputs and outputs
            named = engine({"images": a})    # names

    Arrays are NumPy arrays or anything with DLPack in host memory (PyTorch, JAX, CuPy's host arrays);
    C-contiguous ones are not copied. Outputs are NumPy arrays, which PyTorch takes without a copy by
    `torch.from_dlpack`. An engine may be called from several threads; calls wait for each other.
    For parallel runs give each thread an engine of its own made by `clone()`: they share the weights.
    """

    def __init__(
        self,
        source: str | os.PathLike[str] | bytes | _core.Engine,
        *,
        threads: int = 0,
        cpu_isa: str = "auto",
    ) -> None:
        """Loads an engine file (mapped, verified) or its bytes.

        `threads` is the number of threads of a run, 0 for every processor that the process may use.
        """
        if isinstance(source, _core.Engine):
            self._core = source
        elif isinstance(source, (bytes, bytearray, memoryview)):
            self._core = _core.Engine.from_bytes(bytes(source))
        else:
            self._core = _core.Engine.load(pathlib.Path(source))
        self._threads, self._cpu_isa = threads, cpu_isa
        self._open: _core.Context | None = None
        self.report: _info.BuildReport | None = None
        """What the build did, if this engine was built here."""

    def _context(self) -> _core.Context:
        if self._open is None:
            self._open = _core.Context(self._core, self._threads, self._cpu_isa)
        return self._open

    def run(self, inputs: Any, *, out: Any = None) -> Any:
        """Runs once.

        `inputs` is one array, a list or a dict by name; the result has the same form (one array gives
        one array, or a list if the engine has several outputs). `out`: arrays to write into, as a
        list in the order of the outputs or, for one output, the array itself; it is then the result.
        """
        if out is None:
            return self._context().run(inputs)
        self._context().run_into(inputs, out if isinstance(out, (list, tuple)) else [out])
        return out

    def __call__(self, inputs: Any, *, out: Any = None) -> Any:
        return self.run(inputs, out=out)

    def profile(self, inputs: Any) -> tuple[_info.StepTime, ...]:
        """Runs once with a clock around every step."""
        return _info.all_of(_info.StepTime, self._context().profile(inputs))

    def output_shapes(self, inputs: Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
        """Shapes of the outputs for these input shapes."""
        return [tuple(shape) for shape in self._context().output_shapes([list(s) for s in inputs])]

    def clone(self, *, threads: int | None = None) -> Engine:
        """The same engine with a context of its own, for another thread."""
        return Engine(
            self._core, threads=self._threads if threads is None else threads, cpu_isa=self._cpu_isa
        )

    @property
    def inputs(self) -> tuple[_info.Binding, ...]:
        return _info.all_of(_info.Binding, self._core.inputs())

    @property
    def outputs(self) -> tuple[_info.Binding, ...]:
        return _info.all_of(_info.Binding, self._core.outputs())

    @property
    def layers(self) -> tuple[_info.Layer, ...]:
        return _info.all_of(_info.Layer, self._core.layers())

    @property
    def int8_mac_share(self) -> float:
        return self._core.int8_mac_share()

    @property
    def properties(self) -> Mapping[str, str]:
        return self._core.properties()

    def info(self) -> _info.EngineInfo:
        """Everything that the engine says of itself."""
        return _info.engine_info(self._core)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the engine file whole or not at all."""
        self._core.save(pathlib.Path(path))

    def __bytes__(self) -> bytes:
        return self._core.to_bytes()

    def close(self) -> None:
        """Frees the context's memory and threads; the next run makes new ones."""
        self._open = None

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        def side(bindings: Sequence[_info.Binding]) -> str:
            return ", ".join(f"{b.name}: {b.dtype}[{', '.join(b.dims)}]" for b in bindings)

        return f"<xinfer.Engine {self._core.model_name()!r} ({side(self.inputs)}) -> ({side(self.outputs)})>"
