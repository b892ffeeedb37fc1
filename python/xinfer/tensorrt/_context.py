"""IExecutionContext: addresses and shapes in, a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from xinfer import _core
from xinfer._errors import Error, InvalidArgumentError, UnsupportedError
from xinfer.cuda import _memory
from xinfer.cuda._arrays import address_of
from xinfer.cuda._async import handle_of
from xinfer.tensorrt._basics import ContextManager, Dims, no_effect, nptype, volume
from xinfer.tensorrt._engine import Binding, ICudaEngine, IRuntimeConfig
from xinfer.tensorrt._enums import ErrorCodeTRT, ProfilingVerbosity
from xinfer.tensorrt._interfaces import record_error


def open_context(engine: _core.Engine) -> _core.Context:
    """On the GPU if that is the device and the engine was built for one, else on the CPU."""
    on_gpu = _memory.registry.backend.name == "gpu" and any(t.startswith("cuda") for t in engine.targets())
    return _core.Context(engine, device="cuda" if on_gpu else "cpu")


class IExecutionContext(ContextManager):
    """One concurrent execution of an engine, on memory of the device that `xinfer.cuda` has. On the CPU runs
    finish before they return: streams have nothing to wait for."""

    def __init__(self, engine: ICudaEngine) -> None:
        self._engine = engine
        self._reopen()
        engine._contexts.add(self)
        self._addresses: dict[str, int] = {}
        self._shapes = {b.name: b.full_shape for b in engine._bindings if b.is_input}
        self._allocators: dict[str, Any] = {}
        self._profiler: Any = None
        self._profile = 0
        self._last_inputs: dict[str, numpy.ndarray] = {}
        self.name = ""
        self.error_recorder: Any = None
        self.debug_sync = False
        self.enqueue_emits_profile = True
        self.nvtx_verbosity = ProfilingVerbosity.LAYER_NAMES_ONLY
        self.persistent_cache_limit = 0
        self.temporary_allocator: Any = None
        self.unfused_tensors_debug_state = False
        self.device_memory = 0
        self._debug_listener: Any = None

    def _reopen(self) -> None:
        """Runs the engine as it is now."""
        self._core = open_context(self._engine._core)

    @property
    def engine(self) -> ICudaEngine:
        return self._engine

    @property
    def logger(self) -> Any:
        return self._engine.logger

    # --- shapes ---

    def set_input_shape(self, name: str, shape: Sequence[int]) -> bool:
        binding = self._engine._binding(name)
        if binding.has_implicit_batch:
            shape = (self._shapes[name][0], *shape)
        return self._set_full_shape(name, Dims(shape))

    def _set_full_shape(self, name: str, dims: Dims) -> bool:
        binding = self._engine._binding(name)
        inside = len(dims) == len(binding.max) and all(
            low <= size <= high for low, size, high in zip(binding.min, dims, binding.max, strict=True)
        )
        if not binding.is_input or not inside:
            what = f"between {tuple(binding.min)} and {tuple(binding.max)}" if binding.is_input else "an input"
            record_error(
                self,
                ErrorCodeTRT.INVALID_ARGUMENT,
                f'set_input_shape("{name}", {tuple(dims)}); needed: {what}',
            )
            return False
        self._shapes[name] = dims
        return True

    def get_tensor_shape(self, name: str) -> Dims:
        binding = self._engine._binding(name)
        if binding.is_input:
            return binding.visible(self._shapes[name])
        if not self.all_binding_shapes_specified:
            return binding.shape
        return binding.visible(self._output_shapes()[name])

    def _output_shapes(self) -> dict[str, Dims]:
        shapes = self._core.output_shapes([list(shape) for shape in self._shapes.values()])
        outputs = [b.name for b in self._engine._bindings if not b.is_input]
        return {name: Dims(shape) for name, shape in zip(outputs, shapes, strict=True)}

    def get_tensor_strides(self, name: str) -> Dims:
        shape = self.get_tensor_shape(name)
        return Dims(volume(shape[axis + 1 :]) for axis in range(len(shape)))

    def infer_shapes(self) -> list[str]:
        """Inputs whose shapes are missing."""
        return [name for name, shape in self._shapes.items() if -1 in shape]

    @property
    def all_binding_shapes_specified(self) -> bool:
        return not self.infer_shapes()

    all_shape_inputs_specified = True

    def get_max_output_size(self, name: str) -> int:
        binding = self._engine._binding(name)
        largest = [max(low, high) for low, high in zip(binding.min, binding.max, strict=True)]
        return volume(largest) * numpy.dtype(nptype(binding.dtype)).itemsize

    def set_optimization_profile_async(self, profile_index: int, stream_handle: int) -> bool:
        """Every engine has one profile that holds all that it was built with."""
        return profile_index >= 0

    @property
    def active_optimization_profile(self) -> int:
        return self._profile

    @active_optimization_profile.setter
    def active_optimization_profile(self, index: int) -> None:
        self._profile = int(index)

    # --- addresses ---

    def set_tensor_address(self, name: str, memory: Any) -> bool:
        self._engine._binding(name)
        self._addresses[name] = address_of(memory)
        return True

    def get_tensor_address(self, name: str) -> int:
        return self._addresses.get(name, 0)

    set_input_tensor_address = set_tensor_address

    def set_output_allocator(self, name: str, output_allocator: Any) -> bool:
        self._allocators[name] = output_allocator
        return True

    def get_output_allocator(self, name: str) -> Any:
        return self._allocators.get(name)

    # --- runs ---

    def execute_v2(self, bindings: Sequence[Any]) -> bool:
        """Runs on pointers in the order of the engine's tensors."""
        return self._execute_at(bindings, None)

    def _execute_at(self, bindings: Sequence[Any], stream: int | None) -> bool:
        names = [binding.name for binding in self._engine._bindings]
        if len(bindings) < len(names):
            record_error(
                self,
                ErrorCodeTRT.INVALID_ARGUMENT,
                f"execute_v2: {len(bindings)} pointers; needed: one for each of {names}",
            )
            return False
        for name, pointer in zip(names, bindings, strict=False):
            self._addresses[name] = address_of(pointer)
        return self._run(stream)

    def execute_async_v3(self, stream_handle: Any) -> bool:
        """Runs on the addresses that were set, when the stream gets there."""
        return self._run(handle_of(stream_handle))

    def execute_async_v2(self, bindings: Sequence[Any], stream_handle: Any, input_consumed: Any = None) -> bool:
        return self._execute_at(bindings, handle_of(stream_handle))

    def execute(self, batch_size: int = 1, bindings: Sequence[Any] = ()) -> bool:
        """TensorRT 7's way: sets a dynamic batch and runs."""
        return self._execute_batch(batch_size, bindings, None)

    def _execute_batch(self, batch_size: int, bindings: Sequence[Any], stream: int | None) -> bool:
        for name, shape in self._shapes.items():
            binding = self._engine._binding(name)
            takes_batch = binding.has_implicit_batch or (shape and binding.full_shape[0] == -1)
            if takes_batch and not self._set_full_shape(name, Dims((batch_size, *shape[1:]))):
                return False
        return self._execute_at(bindings, stream)

    def execute_async(
        self, batch_size: int = 1, bindings: Sequence[Any] = (), stream_handle: Any = 0, input_consumed: Any = None
    ) -> bool:
        return self._execute_batch(batch_size, bindings, handle_of(stream_handle))

    def _run(self, stream: int | None = None) -> bool:
        try:
            missing = self.infer_shapes()
            if missing:
                raise InvalidArgumentError(f"inputs {missing} have dynamic shapes: call set_input_shape")
            self._execute(stream)
        except (Error, _memory.MemoryError_) as error:
            record_error(self, ErrorCodeTRT.FAILED_EXECUTION, str(error))
            return False
        if self._profiler is not None and self.enqueue_emits_profile:
            self.report_to_profiler()
        return True

    def _execute(self, stream: int | None) -> None:
        output_shapes = self._output_shapes()
        inputs, outputs = [], []
        for binding in self._engine._bindings:
            shape = self._shapes[binding.name] if binding.is_input else output_shapes[binding.name]
            size = volume(shape) * numpy.dtype(nptype(binding.dtype)).itemsize
            address = self._address(binding, size)
            _memory.registry.check(address, size, f'tensor "{binding.name}"')
            (inputs if binding.is_input else outputs).append(address)
        on_gpu = _memory.registry.backend.name == "gpu"
        if on_gpu and not self._core.on_gpu():
            raise UnsupportedError(
                f"an engine for {', '.join(self._engine._core.targets())} on memory of a GPU; needed: an engine "
                'built for it, or xinfer.cuda.use("cpu") before memory is allocated'
            )
        shapes = [list(shape) for shape in self._shapes.values()]
        # Without a stream, as in TensorRT: behind the default stream's work, and waited for.
        self._core.run_at(inputs, shapes, outputs, on_gpu, (stream or 0) if on_gpu else None)
        if on_gpu and stream is None:
            self._core.synchronize()
        for name, allocator in self._allocators.items():
            allocator.notify_shape(name, output_shapes[name])
        if self._profiler is not None:
            self._keep_inputs(inputs)

    def _address(self, binding: Binding, size: int) -> int:
        allocator = self._allocators.get(binding.name)
        if allocator is not None:
            present = self._addresses.get(binding.name, 0)
            if hasattr(allocator, "reallocate_output_async"):
                return address_of(allocator.reallocate_output_async(binding.name, present, size, 256, 0))
            return address_of(allocator.reallocate_output(binding.name, present, size, 256))
        if not self._addresses.get(binding.name):
            raise InvalidArgumentError(f'tensor "{binding.name}" has no address: call set_tensor_address')
        return self._addresses[binding.name]

    # --- profiling ---

    @property
    def profiler(self) -> Any:
        return self._profiler

    @profiler.setter
    def profiler(self, profiler: Any) -> None:
        self._profiler = profiler

    def _keep_inputs(self, addresses: list[int]) -> None:
        names = list(self._shapes)
        for name, address in zip(names, addresses, strict=True):
            dtype = numpy.dtype(nptype(self._engine._binding(name).dtype))
            size = volume(self._shapes[name]) * dtype.itemsize
            self._last_inputs[name] = numpy.empty(tuple(self._shapes[name]), dtype)
            _memory.registry.backend.copy(self._last_inputs[name].ctypes.data, address, size)

    def report_to_profiler(self) -> bool:
        """Runs the last inputs again with a clock around every step."""
        if self._profiler is None or not self._last_inputs:
            return False
        for step in self._core.profile(self._last_inputs):
            self._profiler.report_layer_time(step["name"], step["microseconds"] / 1e3)
        return True

    # --- without meaning on a CPU ---

    def set_input_consumed_event(self, event: Any) -> bool:
        no_effect(self.logger, "set_input_consumed_event", "runs finish before they return")
        return True

    def get_input_consumed_event(self) -> int:
        return 0

    def set_aux_streams(self, aux_streams: Any) -> None:
        no_effect(self.logger, "set_aux_streams", "runs finish before they return")

    def set_device_memory(self, memory: Any, size: int) -> None:
        no_effect(self.logger, "set_device_memory", "a context owns its memory")

    def update_device_memory_size_for_shapes(self) -> int:
        return self._core.memory_bytes()

    def get_runtime_config(self) -> IRuntimeConfig:
        return IRuntimeConfig()

    def set_communicator(self, communicator: Any) -> bool:
        raise UnsupportedError("unsupported: several devices")

    def set_debug_listener(self, listener: Any) -> bool:
        """Kept and never called: no tensor can be marked for debugging."""
        self._debug_listener = listener
        return True

    def get_debug_listener(self) -> Any:
        return self._debug_listener

    def set_tensor_debug_state(self, name: str, flag: bool) -> bool:
        return not flag

    def get_debug_state(self, name: str) -> bool:
        return False

    def set_all_tensors_debug_state(self, flag: bool) -> bool:
        return not flag

    # --- TensorRT 8: by number ---

    def set_binding_shape(self, binding: int, shape: Sequence[int]) -> bool:
        return self.set_input_shape(self._engine.get_binding_name(binding), shape)

    def get_binding_shape(self, binding: int) -> Dims:
        return self.get_tensor_shape(self._engine.get_binding_name(binding))

    def set_shape_input(self, binding: int, shape: Sequence[int]) -> bool:
        raise UnsupportedError("unsupported: shape inputs; supported: dynamic dimensions of inputs")

    def get_shape(self, binding: int) -> list[int]:
        raise UnsupportedError("unsupported: shape inputs; supported: dynamic dimensions of inputs")

    def get_strides(self, binding: int) -> Dims:
        return self.get_tensor_strides(self._engine.get_binding_name(binding))
