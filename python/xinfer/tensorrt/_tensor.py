"""ITensor: a value of a network under construction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xinfer._errors import InvalidArgumentError
from xinfer.tensorrt._basics import Dims
from xinfer.tensorrt._enums import DataType, TensorFormat, TensorLocation

if TYPE_CHECKING:
    from xinfer.tensorrt._layers import ILayer
    from xinfer.tensorrt._network import INetworkDefinition


class ITensor:
    """An input, or an output of a layer. Its type and shape follow from the network."""

    def __init__(self, network: INetworkDefinition, name: str, producer: ILayer | None) -> None:
        self._network, self._name, self._producer = network, name, producer
        self._renamed = False
        self._range: tuple[float, float] | None = None
        self._dims: Dims | None = None  # of an input: as added or set
        self._dtype: DataType | None = None
        self._dimension_names: dict[int, str] = {}
        self.location = TensorLocation.DEVICE
        self.allowed_formats = 1 << int(TensorFormat.LINEAR)
        self.broadcast_across_batch = False

    @property
    def name(self) -> str:
        return self._name

    @name.setter
    def name(self, name: str) -> None:
        if name == self._name:
            return
        self._network._check_free_name(name)
        self._name, self._renamed = name, True
        self._network._touch()

    @property
    def shape(self) -> Dims:
        """-1 where a dimension is dynamic."""
        return self._dims if self._dims is not None else self._network._shape_of(self)

    @shape.setter
    def shape(self, shape: Any) -> None:
        if not self.is_network_input:
            raise InvalidArgumentError(f'tensor "{self._name}": only the shape of an input can be set')
        self._network._set_input_shape(self, Dims(shape))

    @property
    def dtype(self) -> DataType:
        return self._dtype if self._dtype is not None else self._network._dtype_of(self)

    @dtype.setter
    def dtype(self, dtype: DataType) -> None:
        self._network._set_tensor_dtype(self, dtype)

    @property
    def is_network_input(self) -> bool:
        return self in self._network._inputs

    @property
    def is_network_output(self) -> bool:
        return self in self._network._outputs

    @property
    def is_shape_tensor(self) -> bool:
        return False

    @property
    def is_execution_tensor(self) -> bool:
        return True

    @property
    def dynamic_range(self) -> tuple[float, float] | None:
        return self._range

    @dynamic_range.setter
    def dynamic_range(self, bounds: Any) -> None:
        if bounds is None:
            self.reset_dynamic_range()
        else:
            low, high = bounds
            self.set_dynamic_range(low, high)

    def set_dynamic_range(self, min: float, max: float) -> bool:  # noqa: A002: TensorRT's names
        """Quantised symmetrically over the larger bound."""
        if not (float(min) <= float(max)):
            return False
        self._range = (float(min), float(max))
        self._network._touch()
        return True

    def reset_dynamic_range(self) -> None:
        self._range = None
        self._network._touch()

    def set_dimension_name(self, index: int, name: str) -> None:
        self._dimension_names[index] = name
        self._network._touch()

    def get_dimension_name(self, index: int) -> str | None:
        return self._dimension_names.get(index)

    def __repr__(self) -> str:
        return f"<ITensor {self._name!r}>"
