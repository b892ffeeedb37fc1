"""ICudaEngine and EngineInspector."""

from __future__ import annotations

import json
import weakref
from collections.abc import Iterator
from typing import Any

from xinfer import _core
from xinfer._errors import UnsupportedError
from xinfer.tensorrt._basics import ContextManager, Dims, IHostMemory, data_type
from xinfer.tensorrt._enums import (
    DataType,
    EngineCapability,
    EngineStat,
    ExecutionContextAllocationStrategy,
    HardwareCompatibilityLevel,
    LayerInformationFormat,
    ProfilingVerbosity,
    SerializationFlag,
    TensorFormat,
    TensorIOMode,
    TensorLocation,
)
from xinfer.tensorrt._implicit_batch import SYMBOL


#: What an engine carries for a Refitter.
REFIT_ATTACHMENT = "xinfer.tensorrt: refit"


class Binding:
    """An input or output of an engine."""

    def __init__(self, entry: dict[str, Any], is_input: bool) -> None:
        self.name, self.is_input = entry["name"], is_input
        self.dtype = data_type(entry["dtype"])
        self.min, self.opt, self.max = (Dims(entry[key]) for key in ("min", "opt", "max"))
        #: With the batch, whether or not the engine's shapes have it.
        self.full_shape = Dims(low if low == high else -1 for low, high in zip(self.min, self.max, strict=True))
        self.has_implicit_batch = list(entry["dims"][:1]) == [SYMBOL]

    def visible(self, full: Dims) -> Dims:
        """A shape of the tensor as TensorRT shows it."""
        return Dims(full[1:]) if self.has_implicit_batch else full

    @property
    def shape(self) -> Dims:
        return self.visible(self.full_shape)


class ISerializationConfig:
    """What a serialised engine holds."""

    def __init__(self) -> None:
        self.flags = 0

    def set_flag(self, flag: SerializationFlag) -> bool:
        if flag is SerializationFlag.EXCLUDE_WEIGHTS:
            raise UnsupportedError("unsupported: engines without weights")
        self.flags |= 1 << int(flag)
        return True

    def clear_flag(self, flag: SerializationFlag) -> bool:
        self.flags &= ~(1 << int(flag))
        return True

    def get_flag(self, flag: SerializationFlag) -> bool:
        return bool(self.flags >> int(flag) & 1)


class IRuntimeConfig:
    """How contexts get their memory."""

    def __init__(self) -> None:
        self._strategy = ExecutionContextAllocationStrategy.STATIC

    def set_execution_context_allocation_strategy(
        self, strategy: ExecutionContextAllocationStrategy = ExecutionContextAllocationStrategy.STATIC
    ) -> None:
        self._strategy = strategy

    def get_execution_context_allocation_strategy(self) -> ExecutionContextAllocationStrategy:
        return self._strategy


class ICudaEngine(ContextManager):
    """A compiled model."""

    num_optimization_profiles = 1
    num_aux_streams = 0
    tactic_sources = 0
    engine_capability = EngineCapability.STANDARD
    hardware_compatibility_level = HardwareCompatibilityLevel.NONE
    streamable_weights_size = 0
    minimum_weight_streaming_budget = 0
    weight_streaming_budget = 0
    weight_streaming_budget_v2 = 0
    weight_streaming_scratch_memory_size = 0

    def __init__(self, core: _core.Engine, logger: Any, verbosity: Any = ProfilingVerbosity.DETAILED) -> None:
        self._core, self._logger = core, logger
        self.error_recorder: Any = None
        self.profiling_verbosity = verbosity
        self._bindings = [Binding(entry, True) for entry in core.inputs()]
        self._bindings += [Binding(entry, False) for entry in core.outputs()]
        self._index = {binding.name: number for number, binding in enumerate(self._bindings)}
        self._contexts: weakref.WeakSet[Any] = weakref.WeakSet()

    @property
    def logger(self) -> Any:
        return self._logger

    @property
    def name(self) -> str:
        return self._core.model_name()

    @property
    def num_layers(self) -> int:
        return len(self._core.steps())

    @property
    def refittable(self) -> bool:
        """Whether it was built with `BuilderFlag.REFIT`."""
        return self._core.has_attachment(REFIT_ATTACHMENT)

    def _replace(self, core: _core.Engine) -> None:
        """Another engine of the same shapes takes its place, for its contexts too."""
        self._core = core
        for context in self._contexts:
            context._reopen()

    @property
    def device_memory_size(self) -> int:
        return self._core.activation_bytes()

    device_memory_size_v2 = device_memory_size

    def get_device_memory_size_for_profile(self, profile_index: int) -> int:
        return self.device_memory_size

    get_device_memory_size_for_profile_v2 = get_device_memory_size_for_profile

    def serialize(self) -> IHostMemory:
        return IHostMemory(self._core.to_bytes())

    def create_serialization_config(self) -> ISerializationConfig:
        return ISerializationConfig()

    def serialize_with_config(self, config: ISerializationConfig) -> IHostMemory:
        return self.serialize()

    def create_runtime_config(self) -> IRuntimeConfig:
        return IRuntimeConfig()

    def create_execution_context(self, strategy: Any = None, **_: Any) -> Any:
        from xinfer.tensorrt._context import IExecutionContext

        return IExecutionContext(self)

    create_execution_context_without_device_memory = create_execution_context

    def create_engine_inspector(self) -> EngineInspector:
        return EngineInspector(self)

    def get_engine_stat(self, stat: EngineStat = EngineStat.TOTAL_WEIGHTS_SIZE) -> int:
        return self._core.weight_bytes() if stat is EngineStat.TOTAL_WEIGHTS_SIZE else 0

    def get_weight_streaming_automatic_budget(self) -> int:
        return 0

    # --- tensors by name ---

    @property
    def num_io_tensors(self) -> int:
        return len(self._bindings)

    def _binding(self, key: str | int) -> Binding:
        if isinstance(key, str):
            if key not in self._index:
                raise KeyError(f'the engine has no tensor "{key}"; it has {list(self._index)}')
            return self._bindings[self._index[key]]
        return self._bindings[key]

    def get_tensor_name(self, index: int) -> str:
        return self._bindings[index].name

    def get_tensor_mode(self, name: str) -> TensorIOMode:
        if name not in self._index:
            return TensorIOMode.NONE
        return TensorIOMode.INPUT if self._binding(name).is_input else TensorIOMode.OUTPUT

    def get_tensor_shape(self, name: str) -> Dims:
        return self._binding(name).shape

    def get_tensor_dtype(self, name: str) -> DataType:
        return self._binding(name).dtype

    def get_tensor_location(self, name: str) -> TensorLocation:
        return TensorLocation.DEVICE

    def get_tensor_format(self, name: str, profile_index: int = 0) -> TensorFormat:
        return TensorFormat.LINEAR

    def get_tensor_format_desc(self, name: str, profile_index: int = 0) -> str:
        return "Row major linear FP32 format (kLINEAR)" if self._binding(name).dtype is DataType.FLOAT else "kLINEAR"

    def get_tensor_bytes_per_component(self, name: str, profile_index: int = 0) -> int:
        return int(self._binding(name).dtype.itemsize)

    def get_tensor_components_per_element(self, name: str, profile_index: int = 0) -> int:
        return 1

    def get_tensor_vectorized_dim(self, name: str, profile_index: int = 0) -> int:
        return -1

    def get_tensor_profile_shape(self, name: str, profile_index: int) -> list[Dims]:
        binding = self._binding(name)
        return [binding.visible(shape) for shape in (binding.min, binding.opt, binding.max)]

    def get_tensor_profile_values(self, name: str, profile_index: int) -> list[Any]:
        return []

    def get_aliased_input_tensor(self, name: str) -> str | None:
        return None

    def is_shape_inference_io(self, name: str) -> bool:
        return False

    def is_debug_tensor(self, name: str) -> bool:
        return False

    def __getitem__(self, key: int | str) -> Any:
        """The name of a tensor by its number; TensorRT 8: the number of a tensor by its name."""
        return self._bindings[key].name if isinstance(key, int) else self._index[key]

    def __len__(self) -> int:
        return len(self._bindings)

    def __iter__(self) -> Iterator[str]:
        return (binding.name for binding in self._bindings)

    # --- TensorRT 8: tensors by number ---

    @property
    def has_implicit_batch_dimension(self) -> bool:
        """TensorRT 7's: shapes leave the batch out, which `execute` is given."""
        return any(binding.has_implicit_batch for binding in self._bindings)

    @property
    def max_batch_size(self) -> int:
        """The largest batch of an engine whose shapes leave it out, else 1."""
        return max((int(b.max[0]) for b in self._bindings if b.has_implicit_batch), default=1)

    @property
    def num_bindings(self) -> int:
        return len(self._bindings)

    def get_binding_name(self, index: int) -> str:
        return self._bindings[index].name

    def get_binding_index(self, name: str) -> int:
        return self._index.get(name, -1)

    def get_binding_shape(self, key: int | str) -> Dims:
        return self._binding(key).shape

    def get_binding_dtype(self, key: int | str) -> DataType:
        return self._binding(key).dtype

    def binding_is_input(self, key: int | str) -> bool:
        return self._binding(key).is_input

    def get_profile_shape(self, profile_index: int, binding: int | str) -> list[Dims]:
        return self.get_tensor_profile_shape(self._binding(binding).name, profile_index)

    def get_profile_shape_input(self, profile_index: int, binding: int | str) -> list[list[int]]:
        """None: no input's value is a shape."""
        return []

    def get_location(self, key: int | str) -> TensorLocation:
        return TensorLocation.DEVICE

    def get_binding_format(self, index: int) -> TensorFormat:
        return TensorFormat.LINEAR

    def get_binding_format_desc(self, index: int) -> str:
        return self.get_tensor_format_desc(self._bindings[index].name)

    def get_binding_bytes_per_component(self, index: int) -> int:
        return self.get_tensor_bytes_per_component(self._bindings[index].name)

    def get_binding_components_per_element(self, index: int) -> int:
        return 1

    def get_binding_vectorized_dim(self, index: int) -> int:
        return -1

    def is_shape_binding(self, binding: int) -> bool:
        return False

    def is_execution_binding(self, binding: int) -> bool:
        return True


class EngineInspector:
    """What an engine's layers are, as text or JSON."""

    def __init__(self, engine: ICudaEngine) -> None:
        self._engine = engine
        self.execution_context: Any = None
        self.error_recorder: Any = None

    def _layers(self) -> list[dict[str, Any]]:
        nodes = {node["name"]: node for node in self._engine._core.layers()}
        layers = []
        for step in self._engine._core.steps():
            entry: dict[str, Any] = {
                "Name": step["name"],
                "LayerType": step["kind"],
                "Outputs": [{"Name": step["name"], "Format/Datatype": step["output_dtype"]}],
                "Origins": list(step["origins"]),
            }
            node = next((nodes[name] for name in step["origins"] if name in nodes), None)
            if node is not None:
                entry.update(Precision=node["precision"], Reason=node["reason"], Scale=node["scale"])
            layers.append(entry)
        return layers

    def get_layer_information(self, layer_index: int, format: LayerInformationFormat) -> str:  # noqa: A002
        layer = self._layers()[layer_index]
        if self._engine.profiling_verbosity is not ProfilingVerbosity.DETAILED:
            layer = {"Name": layer["Name"]}
        if format is LayerInformationFormat.JSON:
            return json.dumps(layer, indent=2)
        return ", ".join(f"{key}: {value}" for key, value in layer.items())

    def get_engine_information(self, format: LayerInformationFormat) -> str:  # noqa: A002
        detailed = self._engine.profiling_verbosity is ProfilingVerbosity.DETAILED
        layers = [layer if detailed else layer["Name"] for layer in self._layers()]
        if format is LayerInformationFormat.JSON:
            return json.dumps({"Layers": layers, "Bindings": list(self._engine)}, indent=2)
        lines = [self.get_layer_information(i, format) for i in range(len(layers))]
        return "Layers:\n" + "\n".join(lines) + "\n\nBindings:\n" + "\n".join(self._engine)
