"""INetworkDefinition: tensors and layers, written into the library's network when it is needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from xinfer import _core
from xinfer._errors import Error, InvalidArgumentError, UnsupportedError
from xinfer.tensorrt._basics import ContextManager, Dims, Severity, as_array, core_name, data_type, say
from xinfer.tensorrt._enums import DataType, LayerType, NetworkDefinitionCreationFlag, WeightsRole
from xinfer.tensorrt._implicit_batch import SYMBOL, ImplicitBatch
from xinfer.tensorrt._layers import ILayer
from xinfer.tensorrt._network_layers import LayerAdders
from xinfer.tensorrt._parsed import parsed_layers
from xinfer.tensorrt._tensor import ITensor

if TYPE_CHECKING:
    from xinfer.tensorrt._builder import Builder

_TITLES = {
    LayerType.ELEMENTWISE: "ElementWise",
    LayerType.MATRIX_MULTIPLY: "Matrix Multiply",
    LayerType.SOFTMAX: "SoftMax",
    LayerType.FULLY_CONNECTED: "Fully Connected",
    LayerType.TOPK: "TopK",
    LayerType.PARAMETRIC_RELU: "Parametric ReLU",
}


class INetworkDefinition(LayerAdders, ContextManager):
    """A network: from a parser, by hand, or by hand behind a parsed one."""

    def __init__(self, builder: Builder, flags: int, implicit_batch: bool = False) -> None:
        self._builder, self._flags = builder, flags
        self._implicit_batch = implicit_batch
        self._batched: set[int] = set()  # values with a batch, in a network that leaves it out
        self.logger = builder.logger
        self.error_recorder: Any = None
        self._name = "Unnamed Network 0"
        self._base: _core.Network | None = None
        self._base_values: dict[ITensor, int] = {}
        self._base_outputs: dict[ITensor, str] = {}
        self._layers: list[ILayer] = []
        self._inputs: list[ITensor] = []
        self._outputs: list[ITensor] = []
        self._fixed_shapes: dict[ITensor, Dims] = {}
        self._weight_names: dict[str, Any] = {}
        self._built: _core.Network | None = None
        self._values: dict[ITensor, int] = {}

    # --- what scripts read ---

    @property
    def builder(self) -> Builder:
        return self._builder

    @property
    def flags(self) -> int:
        return self._flags

    def get_flag(self, flag: NetworkDefinitionCreationFlag) -> bool:
        return bool(self._flags >> int(flag) & 1)

    @property
    def has_implicit_batch_dimension(self) -> bool:
        """TensorRT 7's: shapes leave the batch out, which `execute` is given."""
        return self._implicit_batch

    @property
    def has_explicit_precision(self) -> bool:
        """TensorRT 8's: the network was made with EXPLICIT_PRECISION."""
        return self.get_flag(NetworkDefinitionCreationFlag.EXPLICIT_PRECISION)

    @property
    def name(self) -> str:
        return self._name

    @name.setter
    def name(self, name: str) -> None:
        self._name = name
        self._touch()

    @property
    def num_layers(self) -> int:
        return len(self._layers)

    @property
    def num_inputs(self) -> int:
        return len(self._inputs)

    @property
    def num_outputs(self) -> int:
        return len(self._outputs)

    def get_layer(self, index: int) -> ILayer | None:
        return self._layers[index] if 0 <= index < len(self._layers) else None

    def get_input(self, index: int) -> ITensor | None:
        return self._inputs[index] if 0 <= index < len(self._inputs) else None

    def get_output(self, index: int) -> ITensor | None:
        return self._outputs[index] if 0 <= index < len(self._outputs) else None

    def __len__(self) -> int:
        return len(self._layers)

    def __getitem__(self, index: int) -> ILayer:
        return self._layers[index]

    def __iter__(self) -> Iterator[ILayer]:
        return iter(self._layers)

    def __bool__(self) -> bool:
        return True

    # --- borders ---

    def add_input(self, name: str, dtype: DataType, shape: Sequence[int]) -> ITensor:
        self._check_free_name(name)
        core_name(dtype)
        tensor = ITensor(self, name, None)
        tensor._dims, tensor._dtype = Dims(shape), dtype
        self._inputs.append(tensor)
        self._touch()
        return tensor

    def mark_output(self, tensor: ITensor) -> None:
        if tensor not in self._outputs:
            self._outputs.append(tensor)
            self._touch()

    def unmark_output(self, tensor: ITensor) -> None:
        if tensor in self._outputs:
            self._outputs.remove(tensor)
            self._touch()

    def remove_tensor(self, tensor: ITensor) -> None:
        if tensor in self._inputs and tensor not in self._base_values:
            self._inputs.remove(tensor)
        self.unmark_output(tensor)
        self._touch()

    def mark_output_for_shapes(self, tensor: ITensor) -> bool:
        raise UnsupportedError("unsupported: shape outputs; supported: mark_output of a Shape layer's result")

    unmark_output_for_shapes = mark_output_for_shapes

    # --- debugging, which leaves no trace, and refitting ---

    def mark_debug(self, tensor: ITensor) -> bool:
        raise UnsupportedError("unsupported: debug tensors; supported: mark_output")

    unmark_debug = mark_debug

    def is_debug_tensor(self, tensor: ITensor) -> bool:
        return False

    def mark_unfused_tensors_as_debug_tensors(self) -> bool:
        raise UnsupportedError("unsupported: debug tensors; supported: mark_output")

    unmark_unfused_tensors_as_debug_tensors = mark_unfused_tensors_as_debug_tensors

    def set_weights_name(self, weights: Any, name: str) -> bool:
        """The name by which a Refitter finds weights that a layer was added with."""
        array = as_array(weights)
        if array is None:
            return False
        self._weight_names[name] = array
        return True

    def mark_weights_refittable(self, name: str) -> bool:
        """All weights of an engine that is built for refitting can be refitted."""
        return name in self._refit_names()

    def unmark_weights_refittable(self, name: str) -> bool:
        return False

    def are_weights_marked_refittable(self, name: str) -> bool:
        return name in self._refit_names()

    def _refit_names(self) -> dict[str, str]:
        """The constant behind every name of weights."""
        names = {name: name for name in (self._base.constants() if self._base is not None else ())}
        for layer in self._layers:
            for role, constant in layer._weights().items():
                held = as_array(layer._settings.get(role.name.lower() if role.name != "CONSTANT" else "weights"))
                for name, array in self._weight_names.items():
                    if held is not None and held.ctypes.data == array.ctypes.data:
                        names[name] = constant
        return names

    def _refit_roles(self) -> dict[tuple[str, WeightsRole], str]:
        """The constant behind every layer's weights."""
        roles = {}
        for layer in self._layers:
            for role, constant in layer._weights().items():
                roles[layer._name, role] = constant
        for node in self._base.layers() if self._base is not None else ():
            for role, position in ((WeightsRole.KERNEL, 1), (WeightsRole.BIAS, 2)):
                if node["op"] == "Conv" and len(node["inputs"]) > position and node["inputs"][position]:
                    roles[node["name"], role] = node["inputs"][position]
        known = set(roles.values())
        for name in self._base.constants() if self._base is not None else ():
            if name not in known:
                roles[name, WeightsRole.CONSTANT] = name
        return roles

    # --- for the parser ---

    def _adopt(self, base: _core.Network) -> None:
        """Takes a parsed network over; the network was empty."""
        if self._implicit_batch:
            self._implicit_batch = False
            say(
                self.logger,
                Severity.WARNING,
                "an ONNX model in a network made without EXPLICIT_BATCH: the batch is the first dimension of "
                "its shapes all the same",
                once=True,
            )
        self._base = base
        if base.name():
            self._name = base.name()
        for entry in base.inputs():
            tensor = ITensor(self, entry["name"], None)
            tensor._dtype = data_type(entry["dtype"])
            self._base_values[tensor] = base.find_value(entry["name"])
            self._inputs.append(tensor)
        tensors = {tensor._name: tensor for tensor in self._inputs}
        self._layers = parsed_layers(self, base, tensors)
        for layer in self._layers:
            for tensor in layer._outputs:
                self._base_values[tensor] = base.find_value(tensor._name)
        for number, entry in enumerate(base.outputs()):
            # An output that is another value under its own name, or an input, gets a tensor of its own.
            tensor = tensors.get(entry["name"]) or ITensor(self, entry["name"], None)
            self._base_values.setdefault(tensor, base.output_value(number))
            self._base_outputs[tensor] = entry["name"]
            self._outputs.append(tensor)
        self._touch()

    # --- for tensors and layers ---

    def _touch(self) -> None:
        self._built = None

    def _layer_name(self, kind: LayerType) -> str:
        title = _TITLES.get(kind) or kind.name.replace("_", " ").title()
        return f"(Unnamed Layer* {len(self._layers)}) [{title}]"

    @staticmethod
    def _tensor_name(layer: str, output: int) -> str:
        return f"{layer}_output" if output == 0 else f"{layer}_output_{output + 1}"

    def _check_free_name(self, name: str) -> None:
        taken = {tensor._name for tensor in self._inputs}
        taken.update(tensor._name for layer in self._layers for tensor in layer._outputs)
        if not name or name in taken:
            raise InvalidArgumentError(f'tensor name "{name}"; needed: one that no other tensor has')

    def _add(self, layer: ILayer) -> Any:
        self._layers.append(layer)
        self._touch()
        return layer

    def _set_input_shape(self, tensor: ITensor, shape: Dims) -> None:
        if tensor not in self._base_values:
            tensor._dims = shape
        else:
            found = self._shape_of(tensor)
            fits = len(found) == len(shape) and all(
                a in (-1, b) or b == -1 for a, b in zip(found, shape, strict=True)
            )
            if not fits:
                raise UnsupportedError(
                    f'unsupported: shape {tuple(shape)} for input "{tensor._name}", which the model fixes to '
                    f"{tuple(found)}; supported: numbers in place of -1"
                )
            self._fixed_shapes[tensor] = shape
        self._touch()

    def _set_tensor_dtype(self, tensor: ITensor, dtype: DataType) -> None:
        if tensor in self._inputs and tensor not in self._base_values:
            tensor._dtype = dtype
        elif dtype != tensor.dtype:
            what = "reduced-precision inputs and outputs are" if dtype is not None else "None is"
            say(
                self.logger,
                Severity.WARNING,
                f'dtype {dtype} of tensor "{tensor._name}" has no effect: it stays {tensor.dtype} ({what} not '
                "supported)",
            )
        self._touch()

    def _shape_of(self, tensor: ITensor) -> Dims:
        fixed = self._fixed_shapes.get(tensor)
        core, values = self._realise()
        dims = [int(d) if d.isdigit() else -1 for d in core.dims_of(values[tensor])]
        if values[tensor] in self._batched:
            dims = dims[1:]
        if fixed is not None:
            dims = [f if d == -1 else d for d, f in zip(dims, fixed, strict=True)]
        return Dims(dims)

    def _dtype_of(self, tensor: ITensor) -> DataType:
        core, values = self._realise()
        return data_type(core.dtype_of(values[tensor]))

    # --- the library's network ---

    def _realise(self) -> tuple[_core.Network, dict[ITensor, int]]:
        """The library's network as it stands, without outputs that were marked and demands."""
        if self._built is None:
            self._built, self._values = self._write()
        return self._built, self._values

    def _write(self) -> tuple[_core.Network, dict[ITensor, int]]:
        core = self._base.copy() if self._base is not None else _core.Network(self._name)
        values = dict(self._base_values)
        seen = ImplicitBatch(core) if self._implicit_batch else core
        for tensor in self._inputs:
            if tensor not in values:
                dims = [self._dimension(tensor, axis) for axis in range(len(tensor._dims or ()))]
                if self._implicit_batch:
                    dims.insert(0, SYMBOL)
                values[tensor] = core.add_input(tensor._name, core_name(tensor.dtype), dims)
                if self._implicit_batch:
                    seen.batched.add(values[tensor])
        for layer in self._layers:
            if not layer._parsed:
                self._write_layer(seen, values, layer)
        self._rewire(core, values)
        self._batched = seen.batched if self._implicit_batch else set()
        return core, values

    def _rewire(self, core: _core.Network, values: dict[ITensor, int]) -> None:
        """Parsed layers read what they were given instead of what the model gave them."""
        for layer in self._layers:
            for index, tensor in layer._rewired.items():
                if tensor not in values:
                    raise InvalidArgumentError(
                        f'layer "{layer._name}" reads "{tensor._name}", which no layer of the network makes'
                    )
                core.set_input(layer._name, index, values[tensor])

    def _dimension(self, tensor: ITensor, axis: int) -> str:
        size = tensor._dims[axis]
        if size >= 0:
            return str(size)
        named = tensor._dimension_names.get(axis)
        return named or ("batch" if axis == 0 else f"{tensor._name}_{axis}")

    @staticmethod
    def _write_layer(core: Any, values: dict[ITensor, int], layer: ILayer) -> None:
        missing = [t._name for t in layer._inputs if t is not None and t not in values]
        if missing:
            raise InvalidArgumentError(f'layer "{layer._name}" reads {missing}, which no earlier layer makes')
        inputs = [-1 if tensor is None else values[tensor] for tensor in layer._inputs]
        try:
            outputs = layer._emit(core, inputs, layer._name)
        except Error as error:
            raise type(error)(f'layer "{layer._name}": {error}') from None
        for tensor, value in zip(layer._outputs, outputs, strict=True):
            values[tensor] = value
            if value not in inputs:
                core.rename_value(value, tensor._name)

    def _finished(self, *, obey: bool, prefer: bool) -> _core.Network:
        """The library's network with outputs and demands, for a build."""
        core, values = self._write()
        for tensor, name in self._base_outputs.items():
            if tensor not in self._outputs or tensor._renamed:
                core.unmark_output(values[tensor])
        for tensor in self._outputs:
            if tensor not in self._base_outputs or tensor._renamed:
                core.mark_output(values[tensor], tensor._name)
        for tensor, value in values.items():
            if tensor._range is not None and any(tensor._range):
                bound = max(abs(tensor._range[0]), abs(tensor._range[1]))
                core.set_range(core.name_of(value), -bound, bound)
        if obey or prefer:
            self._demand_precisions(core, required=obey)
        elif any(layer.precision_is_set for layer in self._layers):
            say(
                self.logger,
                Severity.WARNING,
                "layer precisions are set, but neither OBEY_PRECISION_CONSTRAINTS nor "
                "PREFER_PRECISION_CONSTRAINTS: they are ignored",
            )
        return core

    def _demand_precisions(self, core: _core.Network, *, required: bool) -> None:
        names = {DataType.FLOAT: "fp32", DataType.HALF: "fp16", DataType.BF16: "fp16", DataType.INT8: "int8"}
        known = {node["name"] for node in core.layers()}
        for layer in self._layers:
            wanted = layer._precision
            if wanted is None and layer._output_types.get(0) in (DataType.FLOAT, DataType.HALF):
                wanted = layer._output_types[0]
            if wanted in names and layer._name in known:
                core.set_precision(layer._name, names[wanted], required)
