"""Layers of a network under construction: what every layer has, and settings that follow the network.

A layer that was added by hand writes itself into the library's network (`_emit`) whenever the network
is needed, so that settings may change until then. A layer of a parsed model is there already.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from xinfer._errors import InvalidArgumentError, UnsupportedError
from xinfer.tensorrt._basics import DimsHW
from xinfer.tensorrt._enums import DataType, LayerType, WeightsRole
from xinfer.tensorrt._tensor import ITensor

if TYPE_CHECKING:
    from xinfer import _core
    from xinfer.tensorrt._network import INetworkDefinition


def setting(name: str, convert: Callable[[Any], Any] | None = None, doc: str = "") -> Any:
    """A property whose change makes the network stale."""

    def read(self: ILayer) -> Any:
        if name not in self._settings:
            raise UnsupportedError(
                f'unsupported: {name} of layer "{self.name}", which a model brought; supported: layers '
                "that were added by hand"
            )
        return self._settings[name]

    def write(self: ILayer, value: Any) -> None:
        read(self)
        self._settings[name] = value if convert is None else convert(value)
        self._network._touch()

    return property(read, write, doc=doc or None)


def height_width(name: str) -> Any:
    """TensorRT 7's form of a setting for two spatial axes."""
    return property(lambda self: DimsHW(getattr(self, name)), lambda self, value: setattr(self, name, value))


class ILayer:
    """A layer: inputs, outputs, and what the user demands of its precision."""

    _TYPE = LayerType.IDENTITY
    _OUTPUTS = 1

    def __init__(
        self, network: INetworkDefinition, inputs: Sequence[ITensor | None], settings: dict[str, Any]
    ) -> None:
        self._network = network
        self._settings = settings
        self._inputs = list(inputs)
        self._type = self._TYPE
        self._name = network._layer_name(self._type)
        self.metadata = ""
        self._precision: DataType | None = None
        self._output_types: dict[int, DataType] = {}
        self._parsed = False
        self._rewired: dict[int, ITensor] = {}  # inputs of a parsed layer that were set
        self._outputs = [
            ITensor(network, network._tensor_name(self._name, i), self) for i in range(self._OUTPUTS)
        ]

    @property
    def name(self) -> str:
        return self._name

    @name.setter
    def name(self, name: str) -> None:
        if self._parsed:
            raise UnsupportedError(
                f'unsupported: renaming layer "{self._name}" to "{name}"; layers of a model keep their names'
            )
        self._name = name
        self._network._touch()

    @property
    def type(self) -> LayerType:
        return self._type

    @property
    def num_inputs(self) -> int:
        return len(self._inputs)

    @property
    def num_outputs(self) -> int:
        return len(self._outputs)

    num_ranks = 1

    def get_input(self, index: int) -> ITensor | None:
        return self._inputs[index] if 0 <= index < len(self._inputs) else None

    def get_output(self, index: int) -> ITensor | None:
        return self._outputs[index] if 0 <= index < len(self._outputs) else None

    def set_input(self, index: int, tensor: ITensor) -> None:
        if self._parsed:
            if index >= len(self._inputs):
                raise InvalidArgumentError(
                    f'input {index} of layer "{self._name}", to which the model gave {len(self._inputs)}'
                )
            self._rewired[index] = tensor
        while len(self._inputs) <= index:
            self._inputs.append(None)
        self._inputs[index] = tensor
        self._network._touch()

    @property
    def precision(self) -> DataType:
        return self._precision or DataType.FLOAT

    @precision.setter
    def precision(self, dtype: DataType) -> None:
        self._precision = dtype
        self._network._touch()

    @property
    def precision_is_set(self) -> bool:
        return self._precision is not None

    def reset_precision(self) -> None:
        self._precision = None
        self._network._touch()

    def set_output_type(self, index: int, dtype: DataType) -> None:
        self._output_types[index] = dtype
        self._network._touch()

    def get_output_type(self, index: int) -> DataType:
        return self._output_types.get(index) or self._outputs[index].dtype

    def output_type_is_set(self, index: int) -> bool:
        return index in self._output_types

    def reset_output_type(self, index: int) -> None:
        self._output_types.pop(index, None)
        self._network._touch()

    def _emit(self, core: _core.Network, inputs: list[int], name: str) -> list[int]:
        """Appends itself to `core` and returns the numbers of its outputs."""
        raise InvalidArgumentError(f'layer "{self._name}" cannot be added by hand')

    def _weights(self) -> dict[WeightsRole, str]:
        """The constants that hold its weights in the library's network, if it was added by hand."""
        return {}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._name!r}>"


def rank_of(core: _core.Network, value: int) -> int:
    return len(core.dims_of(value))


def axes_of(mask: int, rank: int) -> list[int]:
    """Axes whose bits are set."""
    return [axis for axis in range(rank) if mask >> axis & 1]


def default_axis(rank: int) -> int:
    """TensorRT's: the third from the end, the channels of an image."""
    return max(0, rank - 3)
