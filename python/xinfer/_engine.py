"""Engines: loading and running."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from xinfer import _core, _gpu_arrays, _info


class Engine:
    """A compiled model and a context that runs it.

    Calling it runs it::

        with xinfer.Engine("model.engine") as engine:
            scores = engine(images)          # one array in, one array out
            scores, boxes = engine([a, b])   # lists in the order of the inputs and outputs
            named = engine({"images": a})    # names

    Arrays are NumPy arrays or anything with DLPack (PyTorch, JAX, CuPy); C-contiguous ones are not copied.
    Outputs are NumPy arrays, which PyTorch takes without a copy by `torch.from_dlpack`. On a GPU, inputs may
    lie in its memory; outputs then do as well, as arrays of the same library.
    An engine may be called from several threads; calls wait for each other.
    For parallel runs give each thread an engine of its own made by `clone()`: they share the weights.
    """

    def __init__(
        self,
        source: str | os.PathLike[str] | bytes | _core.Engine,
        *,
        threads: int = 0,
        cpu_isa: str = "auto",
        device: str = "auto",
    ) -> None:
        """Loads an engine file (mapped, verified) or its bytes.

        `threads` is the number of threads of a run, 0 for every processor that the process may use.
        `device` is where it runs: "cpu", "cuda", "cuda:1", or "auto", the CPU if it was built for that. A
        GPU is used in the CUDA context that is current at the first run, else in its primary context.
        """
        if isinstance(source, _core.Engine):
            self._core = source
        elif isinstance(source, (bytes, bytearray, memoryview)):
            self._core = _core.Engine.from_bytes(bytes(source))
        else:
            self._core = _core.Engine.load(pathlib.Path(source))
        self._threads, self._cpu_isa, self._device = threads, cpu_isa, device
        self._open: _core.Context | None = None
        self.report: _info.BuildReport | None = None
        """What the build did, if this engine was built here."""

    def _context(self) -> _core.Context:
        if self._open is None:
            self._open = _core.Context(self._core, self._threads, self._cpu_isa, self._device)
        return self._open

    def run(self, inputs: Any, *, out: Any = None, stream: Any = None) -> Any:
        """Runs once.

        `inputs` is one array, a list or a dict by name; the result has the same form (one array gives
        one array, or a list if the engine has several outputs). `out`: arrays to write into, as a
        list in the order of the outputs or, for one output, the array itself; it is then the result.

        Arrays in GPU memory are read and written in place. Without `stream` the run comes behind the legacy
        default stream's work and is over when this returns. With one (of PyTorch, CuPy, pycuda, `xinfer.cuda`,
        or a handle) the run is enqueued there: inputs must be on that stream or done, and inputs and
        outputs belong to the run until the stream has got there.
        """
        context = self._context()
        if stream is not None or (context.on_gpu() and _gpu_arrays.any_on_gpu(inputs, out)):
            return self._run_on_gpu(context, inputs, out, stream)
        if out is None:
            return context.run(inputs)
        context.run_into(inputs, out if isinstance(out, (list, tuple)) else [out])
        return out

    def _run_on_gpu(self, context: _core.Context, inputs: Any, out: Any, stream: Any) -> Any:
        given = out
        if out is None:
            arrays = _gpu_arrays.in_order(inputs, [binding["name"] for binding in self._core.inputs()])
            shapes = context.output_shapes([list(array.shape) for array in arrays])
            out = _gpu_arrays.empty_like(arrays, shapes, [b["dtype"] for b in self._core.outputs()])
        handle = None if stream is None else _gpu_arrays.stream_handle(stream)
        context.run_on(inputs, out if isinstance(out, (list, tuple)) else [out], handle)
        if given is not None:
            return given
        if isinstance(inputs, dict):
            return {binding["name"]: array for binding, array in zip(self._core.outputs(), out, strict=True)}
        return out[0] if len(out) == 1 and not isinstance(inputs, (list, tuple)) else out

    def __call__(self, inputs: Any, *, out: Any = None, stream: Any = None) -> Any:
        return self.run(inputs, out=out, stream=stream)

    def synchronize(self) -> None:
        """Waits for the runs that were enqueued on streams."""
        self._context().synchronize()

    def profile(self, inputs: Any) -> tuple[_info.StepTime, ...]:
        """Runs once with a clock around every step."""
        return _info.all_of(_info.StepTime, self._context().profile(inputs))

    def output_shapes(self, inputs: Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
        """Shapes of the outputs for these input shapes."""
        return [tuple(shape) for shape in self._context().output_shapes([list(s) for s in inputs])]

    def clone(self, *, threads: int | None = None) -> Engine:
        """The same engine with a context of its own, for another thread."""
        return Engine(
            self._core,
            threads=self._threads if threads is None else threads,
            cpu_isa=self._cpu_isa,
            device=self._device,
        )

    @property
    def device(self) -> str:
        """What computes: an instruction set or a GPU's name."""
        return self._context().device()

    @property
    def targets(self) -> tuple[str, ...]:
        """What the engine was built for: "cpu", "cuda:sm_90a", …"""
        return tuple(self._core.targets())

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
