"""Layers that move or choose elements: constants, shuffles, slices, concatenation, resizing."""

from __future__ import annotations

from typing import Any

import numpy

from xinfer._errors import InvalidArgumentError, UnsupportedError
from xinfer.tensorrt._basics import Dims, Permutation, as_array, core_name
from xinfer.tensorrt._enums import (
    DataType,
    GatherMode,
    InterpolationMode,
    LayerType,
    ResizeCoordinateTransformation,
    ResizeRoundMode,
    SampleMode,
    WeightsRole,
)
from xinfer.tensorrt._layers import ILayer, default_axis, height_width, rank_of, setting

TO_THE_END = 2**63 - 1


def constant_input(core: Any, inputs: list[int], index: int, name: str) -> numpy.ndarray | None:
    """The elements of an optional input that decides a shape; it must be a constant."""
    if len(inputs) <= index or inputs[index] < 0:
        return None
    array = core.constant_of(inputs[index])
    if array is None:
        raise UnsupportedError(
            f'unsupported: input {index} of layer "{name}" is computed at run time; supported: a constant'
        )
    return array


class IConstantLayer(ILayer):
    _TYPE = LayerType.CONSTANT
    shape = setting("shape", Dims)
    weights = setting("weights")

    def _weights(self) -> dict[WeightsRole, str]:
        return {} if self._parsed else {WeightsRole.CONSTANT: self._outputs[0]._name}

    def _emit(self, core: Any, inputs: list[int], name: str) -> list[int]:
        array = as_array(self.weights)
        if array is None:
            raise InvalidArgumentError(f'constant "{name}" has no weights')
        return [core.add_constant(array.reshape(tuple(self.shape)), name)]


class IIdentityLayer(ILayer):
    _TYPE = LayerType.IDENTITY

    def _emit(self, core: Any, inputs: list[int], name: str) -> list[int]:
        wanted = self._output_types.get(0)
        if wanted is not None and wanted not in (DataType.HALF, DataType.BF16):
            return [core.add_cast(inputs[0], core_name(wanted), name)]
        return [core.add_unary("identity", inputs[0], 0, 0, name)]


class ICastLayer(ILayer):
    _TYPE = LayerType.CAST
    to_type = setting("to_type")

    def _emit(self, core: Any, inputs: list[int], name: str) -> list[int]:
        wanted = DataType.FLOAT if self.to_type in (DataType.HALF, DataType.BF16) else self.to_type
        return [core.add_cast(inputs[0], core_name(wanted), name)]


class IShapeLayer(ILayer):
    _TYPE = LayerType.SHAPE

    def _emit(self, core: Any, inputs: list[int], name: str) -> list[int]:
        return [core.add_shape(inputs[0], name)]


class IShuffleLayer(ILayer):
    """Transposes, reshapes, transposes."""

    _TYPE = LayerType.SHUFFLE
    first_transpose = setting("first_transpose", Permutation)
    reshape_dims = setting("reshape_dims", Dims)
    second_transpose = setting("second_transpose", Permutation)
    zero_is_placeholder = setting("zero_is_placeholder")

    def _emit(self, core: Any, inputs: list[int], name: str) -> list[int]:
        shape = constant_input(core, inputs, 1, name)
        target = self.reshape_dims if shape is None else [int(size) for size in shape]
        result = inputs[0]
        for step, permutation, reshape in (
            ("first", self.first_transpose, None),
            ("reshape", None, target),
            ("second", self.second_transpose, None),
        ):
            if permutation is not None and list(permutation) != sorted(permutation):
                result = core.add_transpose(result, list(permutation), f"{name}_{step}")
            if reshape is not None:
                result = core.add_reshape(result, list(reshape), f"{name}_{step}")
        if result == inputs[0]:
            return [core.add_unary("identity", result, 0, 0, name)]
        core.rename_value(result, name)
        return [result]


class ISliceLayer(ILayer):
    _TYPE = LayerType.SLICE
    start = setting("start", Dims)
    shape = setting("shape", Dims)
    stride = setting("stride", Dims)
    axes = setting("axes", Dims)
    mode = setting("mode")

    def _emit(self, core: Any, inputs: list[int], name: str) -> list[int]:
        if self.mode not in (SampleMode.STRICT_BOUNDS, SampleMode.CLAMP):
            raise UnsupportedError(
                f'unsupported: layer "{name}" with mode {self.mode.name}; supported: STRICT_BOUNDS, CLAMP'
            )
        parts = []
        for index, own in ((1, self.start), (2, self.shape), (3, self.stride)):
            given = constant_input(core, inputs, index, name)
            parts.append([int(v) for v in (own if given is None else given)])
        start, shape, stride = parts
        stride = stride or [1] * len(start)
        end = []
        for first, count, step in zip(start, shape, stride, strict=True):
            last = first + count * step
            end.append(TO_THE_END if count < 0 else last if last >= 0 or step > 0 else -TO_THE_END)
        return [core.add_slice(inputs[0], start, end, stride, name)]


class IConcatenationLayer(ILayer):
    _TYPE = LayerType.CONCATENATION
    axis = setting("axis")

    def _emit(self, core: Any, inputs: list[int], name: str) -> list[int]:
        rank = rank_of(core, inputs[0])
        axis = default_axis(rank) if self.axis is None else int(self.axis) % rank
        return [core.add_concat(inputs, axis, name)]


class IGatherLayer(ILayer):
    _TYPE = LayerType.GATHER
    axis = setting("axis")
    mode = setting("mode")
    num_elementwise_dims = setting("num_elementwise_dims")

    def _emit(self, core: Any, inputs: list[int], name: str) -> list[int]:
        if self.mode is not GatherMode.DEFAULT or self.num_elementwise_dims:
            raise UnsupportedError(
                f'unsupported: layer "{name}" with mode {self.mode.name}; supported: DEFAULT'
            )
        return [core.add_gather(*inputs, int(self.axis) % rank_of(core, inputs[0]), name)]


class ISelectLayer(ILayer):
    _TYPE = LayerType.SELECT

    def _emit(self, core: Any, inputs: list[int], name: str) -> list[int]:
        return [core.add_select(*inputs, name)]


class IPaddingLayer(ILayer):
    """Zeros around the last two axes; negative paddings crop."""

    _TYPE = LayerType.PADDING
    pre_padding_nd = setting("pre_padding_nd", Dims)
    post_padding_nd = setting("post_padding_nd", Dims)
    # TensorRT 8's names
    pre_padding = height_width("pre_padding_nd")
    post_padding = height_width("post_padding_nd")

    def _emit(self, core: Any, inputs: list[int], name: str) -> list[int]:
        before, after = list(self.pre_padding_nd), list(self.post_padding_nd)
        outer = [0] * (rank_of(core, inputs[0]) - len(before))
        return [core.add_pad(inputs[0], outer + before, outer + after, "constant", 0.0, name)]


class ISqueezeLayer(ILayer):
    _TYPE = LayerType.SQUEEZE

    def _emit(self, core: Any, inputs: list[int], name: str) -> list[int]:
        axes = constant_input(core, inputs, 1, name)
        dims = core.dims_of(inputs[0])
        gone = {int(axis) % len(dims) for axis in axes.reshape(-1)} if axes is not None else set()
        return [core.add_reshape(inputs[0], _kept([d for i, d in enumerate(dims) if i not in gone]), name)]


class IUnsqueezeLayer(ILayer):
    _TYPE = LayerType.UNSQUEEZE

    def _emit(self, core: Any, inputs: list[int], name: str) -> list[int]:
        axes = constant_input(core, inputs, 1, name)
        dims: list[str] = list(core.dims_of(inputs[0]))
        new = [int(axis) for axis in axes.reshape(-1)] if axes is not None else []
        for axis in sorted(axis % (len(dims) + len(new)) for axis in new):
            dims.insert(axis, "1")
        return [core.add_reshape(inputs[0], _kept(dims), name)]


def _kept(dims: list[str]) -> list[int]:
    """A reshape's target for dimensions of which at most one is dynamic."""
    target = [int(dim) if dim.isdigit() else -1 for dim in dims]
    if target.count(-1) > 1:
        raise UnsupportedError(f"unsupported: squeezing {dims}; supported: one dynamic dimension")
    return target


class IResizeLayer(ILayer):
    _TYPE = LayerType.RESIZE
    shape = setting("shape", Dims)
    scales = setting("scales", list)
    resize_mode = setting("resize_mode")
    coordinate_transformation = setting("coordinate_transformation")
    nearest_rounding = setting("nearest_rounding")
    selector_for_single_pixel = setting("selector_for_single_pixel")
    cubic_coeff = setting("cubic_coeff", float)
    exclude_outside = setting("exclude_outside")
    _COORDINATES = {
        ResizeCoordinateTransformation.ALIGN_CORNERS: "align_corners",
        ResizeCoordinateTransformation.ASYMMETRIC: "asymmetric",
        ResizeCoordinateTransformation.HALF_PIXEL: "half_pixel",
    }
    _ROUNDINGS = {
        ResizeRoundMode.HALF_UP: "round_prefer_ceil",
        ResizeRoundMode.HALF_DOWN: "round_prefer_floor",
        ResizeRoundMode.FLOOR: "floor",
        ResizeRoundMode.CEIL: "ceil",
    }

    @property
    def align_corners(self) -> bool:
        """TensorRT 7's name for a coordinate transformation."""
        return self.coordinate_transformation is ResizeCoordinateTransformation.ALIGN_CORNERS

    @align_corners.setter
    def align_corners(self, value: bool) -> None:
        kinds = ResizeCoordinateTransformation
        self.coordinate_transformation = kinds.ALIGN_CORNERS if value else kinds.ASYMMETRIC

    def _emit(self, core: Any, inputs: list[int], name: str) -> list[int]:
        given = constant_input(core, inputs, 1, name)
        size = self.shape if given is None else [int(v) for v in given]
        scales = [] if size else [float(scale) for scale in self.scales or []]
        modes = {InterpolationMode.NEAREST: "nearest", InterpolationMode.LINEAR: "linear"}
        return [
            core.add_resize(
                inputs[0],
                modes.get(self.resize_mode, "cubic"),
                self._COORDINATES[self.coordinate_transformation],
                self._ROUNDINGS[self.nearest_rounding],
                scales,
                list(size or []),
                self.cubic_coeff,
                bool(self.exclude_outside),
                name,
            )
        ]
