"""Networks with an implicit batch, TensorRT 7's: shapes and axes leave the batch out.

The library's networks have it, as a dynamic first dimension. `ImplicitBatch` stands between layers that
count axes from behind the batch and the library's network; a constant has no batch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xinfer import _core
from xinfer._errors import UnsupportedError

#: The name of that dimension in networks and engines.
SYMBOL = "implicit batch"

_ALL = 2**63 - 1

#: Which arguments of a method are values.
_OPERANDS = {
    "add_convolution": (0,),
    "add_pooling": (1,),
    "add_matrix_product": (0, 1),
    "add_unary": (1,),
    "add_binary": (1, 2),
    "add_clip": (0,),
    "add_select": (0, 1, 2),
    "add_cast": (0,),
    "add_reduce": (1,),
    "add_arg_reduce": (1,),
    "add_softmax": (0,),
    "add_layer_norm": (0,),
    "add_transpose": (0,),
    "add_reshape": (0,),
    "add_slice": (0,),
    "add_concat": (0,),
    "add_pad": (0,),
    "add_gather": (0, 1),
    "add_resize": (0,),
    "add_shape": (0,),
    "add_quantize": (0,),
    "add_dequantize": (0,),
}


def _behind(axes: list[int]) -> list[int]:
    return [axis + 1 for axis in axes]


#: By method and argument: what it is where the batch counts.
_SHIFTED: dict[str, dict[int, Callable[[Any], Any]]] = {
    "add_reduce": {2: _behind},
    "add_arg_reduce": {2: lambda axis: axis + 1},
    "add_softmax": {1: lambda axis: axis + 1},
    "add_layer_norm": {3: lambda axis: axis + 1},
    "add_transpose": {1: lambda order: [0, *_behind(order)]},
    "add_reshape": {1: lambda target: [0, *target]},
    "add_slice": {
        1: lambda start: [0, *start],
        2: lambda end: [_ALL, *end],
        3: lambda step: [1, *step],
    },
    "add_concat": {1: lambda axis: axis + 1},
    "add_pad": {1: lambda begin: [0, *begin], 2: lambda end: [0, *end]},
    "add_gather": {2: lambda axis: axis + 1},
    "add_resize": {
        4: lambda scales: [1.0, *scales] if scales else scales,
        5: lambda size: [-1, *size] if size else size,
    },
}


class ImplicitBatch:
    """A network as layers see it whose axes leave the batch out."""

    def __init__(self, core: _core.Network) -> None:
        self._core = core
        self.batched: set[int] = set()

    def dims_of(self, value: int) -> list[str]:
        dims = list(self._core.dims_of(value))
        return dims[1:] if value in self.batched else dims

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._core, name)
        return self._adding(name, method) if name in _OPERANDS else method

    def _adding(self, name: str, method: Any) -> Callable[..., int]:
        def add(*arguments: Any) -> int:
            given = list(arguments)
            operands = [given[index] for index in _OPERANDS[name]]
            values = operands[0] if isinstance(operands[0], list) else operands
            batched = [value in self.batched for value in values]
            if not any(batched):
                return method(*given)
            self._check(name, batched)
            for index, shift in _SHIFTED.get(name, {}).items():
                given[index] = shift(given[index])
            result = method(*given)
            self.batched.add(result)
            return result

        return add

    @staticmethod
    def _check(name: str, batched: list[bool]) -> None:
        mixed = name == "add_concat" and not all(batched)
        if mixed or name == "add_shape" or (name == "add_gather" and batched != [True, False]):
            raise UnsupportedError(
                f"unsupported: {name[4:]} of these operands in a network with an implicit batch; supported: "
                "create_network(1 << int(NetworkDefinitionCreationFlag.EXPLICIT_BATCH))"
            )
