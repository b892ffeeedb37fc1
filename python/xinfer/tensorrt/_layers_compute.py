"""Layers that compute: convolution, pooling, products, elementwise functions, normalisation."""

from __future__ import annotations

import math
from typing import Any

import numpy

from xinfer._errors import InvalidArgumentError, UnsupportedError
from xinfer.tensorrt._basics import Dims, Weights, as_array
from xinfer.tensorrt._enums import (
    ActivationType,
    ElementWiseOperation,
    LayerType,
    MatrixOperation,
    PaddingMode,
    PoolingType,
    ReduceOperation,
    ScaleMode,
    TopKOperation,
    UnaryOperation,
    WeightsRole,
)
from xinfer.tensorrt._layers import ILayer, axes_of, default_axis, height_width, rank_of, setting


def _both(self: Any, value: Any) -> None:
    self._settings["pre_padding"] = self._settings["post_padding"] = Dims(value)
    self._network._touch()


#: Before and after alike.
_same_padding = property(lambda self: self.pre_padding, _both)


def kernel_and_bias(layer: ILayer) -> dict[WeightsRole, str]:
    """Of a layer that was added with them."""
    if layer._parsed:
        return {}
    held = {WeightsRole.KERNEL: (layer._settings["kernel"], "weights"), WeightsRole.BIAS: (layer._settings["bias"], "bias")}
    return {role: f"{layer._name}_{end}" for role, (value, end) in held.items() if as_array(value) is not None}


def _pads(layer: Any, dims: list[str], kernel: list[int]) -> tuple[list[int], list[int], bool]:
    """Pads before and after, and whether sizes round up, by the layer's padding mode."""
    mode, axes = layer.padding_mode, len(kernel)
    before = list(layer.pre_padding) or [0] * axes
    after = list(layer.post_padding) or [0] * axes
    if mode in (PaddingMode.EXPLICIT_ROUND_DOWN, PaddingMode.EXPLICIT_ROUND_UP):
        return before, after, mode is PaddingMode.EXPLICIT_ROUND_UP
    if mode not in (PaddingMode.SAME_UPPER, PaddingMode.SAME_LOWER):
        raise UnsupportedError(f"unsupported: padding mode {mode.name}; supported: EXPLICIT_* and SAME_*")
    strides = list(layer.stride_nd) or [1] * axes
    dilations = list(layer._settings.get("dilation_nd") or [1] * axes)
    for axis in range(axes):
        if not dims[axis - axes].isdigit():
            raise UnsupportedError(f"unsupported: padding mode {mode.name} over a dynamic dimension")
        size, reach = int(dims[axis - axes]), dilations[axis] * (kernel[axis] - 1) + 1
        total = max((math.ceil(size / strides[axis]) - 1) * strides[axis] + reach - size, 0)
        small, large = total // 2, total - total // 2
        upper = mode is PaddingMode.SAME_UPPER
        before[axis], after[axis] = (small, large) if upper else (large, small)
    return before, after, False


class IConvolutionLayer(ILayer):
    _TYPE = LayerType.CONVOLUTION
    num_output_maps = setting("num_output_maps")
    kernel_size_nd = setting("kernel_size_nd", Dims)
    stride_nd = setting("stride_nd", Dims)
    dilation_nd = setting("dilation_nd", Dims)
    num_groups = setting("num_groups")
    padding_mode = setting("padding_mode")
    pre_padding = setting("pre_padding", Dims)
    post_padding = setting("post_padding", Dims)
    kernel = setting("kernel")
    bias = setting("bias")
    padding_nd = _same_padding
    # TensorRT 7's names for two spatial axes
    kernel_size = height_width("kernel_size_nd")
    stride = height_width("stride_nd")
    padding = height_width("padding_nd")
    dilation = height_width("dilation_nd")
    _weights = kernel_and_bias

    def _emit(self, core: Any, inputs: list[int], name: str) -> list[int]:
        kernel = list(self.kernel_size_nd)
        weights = inputs[1] if len(inputs) > 1 and inputs[1] >= 0 else self._constant(core, name)
        bias = inputs[2] if len(inputs) > 2 else -1
        values = as_array(self.bias)
        if bias < 0 and values is not None:
            bias = core.add_constant(values.reshape(-1), f"{name}_bias")
        before, after, _ = _pads(self, core.dims_of(inputs[0]), kernel)
        strides, dilations = list(self.stride_nd), list(self.dilation_nd)
        groups = self.num_groups
        return [
            core.add_convolution(inputs[0], weights, bias, strides, dilations, before, after, groups, name)
        ]

    def _constant(self, core: Any, name: str) -> int:
        array = as_array(self.kernel)
        maps, kernel = int(self.num_output_maps), list(self.kernel_size_nd)
        each = maps * math.prod(kernel)
        if array is None or array.size % each:
            found = 0 if array is None else array.size
            raise InvalidArgumentError(
                f'convolution "{name}": {found} weights; needed: a multiple of {maps} maps times {kernel}'
            )
        return core.add_constant(array.reshape(maps, -1, *kernel), f"{name}_weights")


class IPoolingLayer(ILayer):
    _TYPE = LayerType.POOLING
    window_size_nd = setting("window_size_nd", Dims)
    stride_nd = setting("stride_nd", Dims)
    padding_mode = setting("padding_mode")
    pre_padding = setting("pre_padding", Dims)
    post_padding = setting("post_padding", Dims)
    average_count_excludes_padding = setting("average_count_excludes_padding")
    blend_factor = setting("blend_factor")
    padding_nd = _same_padding
    window_size = height_width("window_size_nd")
    stride = height_width("stride_nd")
    padding = height_width("padding_nd")

    @property
    def type(self) -> Any:
        """The pooling's kind, which hides the layer's: as TensorRT's bindings have it."""
        return self._settings.get("type", self._type)

    @type.setter
    def type(self, kind: PoolingType) -> None:
        self._settings["type"] = kind
        self._network._touch()

    def _emit(self, core: Any, inputs: list[int], name: str) -> list[int]:
        kinds = {PoolingType.MAX: "max", PoolingType.AVERAGE: "average"}
        if self.type not in kinds:
            raise UnsupportedError(f"unsupported: pooling {self.type.name}; supported: MAX, AVERAGE")
        window = list(self.window_size_nd)
        before, after, round_up = _pads(self, core.dims_of(inputs[0]), window)
        strides, include = list(self.stride_nd), not self.average_count_excludes_padding
        return [
            core.add_pooling(
                kinds[self.type], inputs[0], window, strides, before, after, round_up, include, name
            )
        ]


class IActivationLayer(ILayer):
    _TYPE = LayerType.ACTIVATION
    alpha = setting("alpha", float)
    beta = setting("beta", float)
    type = IPoolingLayer.type
    _FUNCTIONS = {
        ActivationType.RELU: "relu",
        ActivationType.SIGMOID: "sigmoid",
        ActivationType.TANH: "tanh",
        ActivationType.LEAKY_RELU: "leaky_relu",
        ActivationType.ELU: "elu",
        ActivationType.SELU: "selu",
        ActivationType.SOFTSIGN: "softsign",
        ActivationType.SOFTPLUS: "softplus",
        ActivationType.HARD_SIGMOID: "hard_sigmoid",
        ActivationType.THRESHOLDED_RELU: "thresholded_relu",
        ActivationType.GELU_ERF: "gelu",
        ActivationType.GELU_TANH: "gelu_tanh",
    }

    def _emit(self, core: Any, inputs: list[int], name: str) -> list[int]:
        kind = self.type
        if kind is ActivationType.CLIP:
            return [core.add_clip(inputs[0], self.alpha, self.beta, name)]
        if kind is ActivationType.SCALED_TANH:
            scaled = core.add_binary("mul", inputs[0], scalar(core, inputs[0], self.beta), f"{name}_in")
            bent = core.add_unary("tanh", scaled, 0, 0, f"{name}_tanh")
            return [core.add_binary("mul", bent, scalar(core, bent, self.alpha), name)]
        if kind is ActivationType.SOFTPLUS and (self.alpha, self.beta) not in ((0.0, 0.0), (1.0, 1.0)):
            raise UnsupportedError("unsupported: SOFTPLUS with alpha or beta; supported: both 1")
        return [core.add_unary(self._FUNCTIONS[kind], inputs[0], self.alpha, self.beta, name)]


def scalar(core: Any, like: int, value: float) -> int:
    """A constant that broadcasts with a value."""
    return core.add_constant(numpy.full([1] * rank_of(core, like), value, numpy.float32), "scalar")


class IScaleLayer(ILayer):
    """(x · scale + shift) ^ power."""

    _TYPE = LayerType.SCALE
    mode = setting("mode")
    shift = setting("shift")
    scale = setting("scale")
    power = setting("power")
    channel_axis = setting("channel_axis")

    def _weights(self) -> dict[WeightsRole, str]:
        """Those that do something: a scale of 1 and a shift of 0 are left out of the network."""
        held = {WeightsRole.SCALE: ("scale", "mul", 1.0), WeightsRole.SHIFT: ("shift", "add", 0.0)}
        found = {}
        for role, (setting_name, function, neutral) in held.items():
            array = None if self._parsed else as_array(self._settings[setting_name])
            if array is not None and not (array == neutral).all():
                found[role] = f"{self._name}_{function}"
        return found

    def _emit(self, core: Any, inputs: list[int], name: str) -> list[int]:
        result = inputs[0]
        for function, weights in (("mul", self.scale), ("add", self.shift), ("pow", self.power)):
            array = as_array(weights)
            neutral = 0.0 if function == "add" else 1.0
            if array is None or (array == neutral).all():
                continue
            constant = core.add_constant(self._shaped(core, array, result), f"{name}_{function}")
            result = core.add_binary(function, result, constant, f"{name}_{function}_out")
        if result == inputs[0]:
            return [core.add_unary("identity", result, 0, 0, name)]
        core.rename_value(result, name)
        return [result]

    def _shaped(self, core: Any, array: numpy.ndarray, like: int) -> numpy.ndarray:
        dims = core.dims_of(like)
        if self.mode is ScaleMode.UNIFORM:
            return array.reshape([1] * len(dims))
        if self.mode is ScaleMode.CHANNEL:
            return array.reshape([-1] + [1] * (len(dims) - self.channel_axis - 1))
        return array.reshape([int(d) for d in dims[self.channel_axis :]])


class IMatrixMultiplyLayer(ILayer):
    _TYPE = LayerType.MATRIX_MULTIPLY
    op0 = setting("op0")
    op1 = setting("op1")

    def _emit(self, core: Any, inputs: list[int], name: str) -> list[int]:
        ops = (self.op0, self.op1)
        a, b = inputs
        if ops[0] is MatrixOperation.VECTOR:  # [..., K] to [..., 1, K]
            rank = rank_of(core, a)
            a = core.add_reshape(a, [0] * (rank - 1) + [1, -1], f"{name}_row")
        if ops[1] is MatrixOperation.VECTOR:  # [..., K] to [..., K, 1]
            b = core.add_reshape(b, [0] * rank_of(core, b) + [1], f"{name}_column")
        transposed = [op is MatrixOperation.TRANSPOSE for op in ops]
        vectors = [op is MatrixOperation.VECTOR for op in ops]
        if not any(vectors):
            return [core.add_matrix_product(a, b, -1, *transposed, name)]
        product = core.add_matrix_product(a, b, -1, *transposed, f"{name}_product")
        rank = rank_of(core, product)
        kept = [0] * (rank - 2) + ([] if vectors[0] else [0])
        return [core.add_reshape(product, kept if all(vectors) else [*kept, -1][: rank - 1], name)]


class IFullyConnectedLayer(ILayer):
    """TensorRT 8's: [N, …] by [K, …] weights to [N, K, 1, 1]."""

    _TYPE = LayerType.FULLY_CONNECTED
    num_output_channels = setting("num_output_channels")
    kernel = setting("kernel")
    bias = setting("bias")
    _weights = kernel_and_bias

    def _emit(self, core: Any, inputs: list[int], name: str) -> list[int]:
        maps = int(self.num_output_channels)
        array, bias = as_array(self.kernel), as_array(self.bias)
        if array is None or array.size % maps:
            raise InvalidArgumentError(f'layer "{name}": its weights are no multiple of {maps} outputs')
        weights = core.add_constant(array.reshape(maps, -1), f"{name}_weights")
        batch = [] if self._network.has_implicit_batch_dimension else [0]
        flat = core.add_reshape(inputs[0], [*batch, -1], f"{name}_flat")
        offset = -1 if bias is None else core.add_constant(bias.reshape(-1), f"{name}_bias")
        product = core.add_matrix_product(flat, weights, offset, False, True, f"{name}_product")
        return [core.add_reshape(product, [*batch, maps, 1, 1], name)]


class IElementWiseLayer(ILayer):
    _TYPE = LayerType.ELEMENTWISE
    op = setting("op")
    _FUNCTIONS = {
        ElementWiseOperation.SUM: "add",
        ElementWiseOperation.PROD: "mul",
        ElementWiseOperation.MAX: "max",
        ElementWiseOperation.MIN: "min",
        ElementWiseOperation.SUB: "sub",
        ElementWiseOperation.DIV: "div",
        ElementWiseOperation.POW: "pow",
        ElementWiseOperation.AND: "and",
        ElementWiseOperation.OR: "or",
        ElementWiseOperation.XOR: "xor",
        ElementWiseOperation.EQUAL: "equal",
        ElementWiseOperation.GREATER: "greater",
        ElementWiseOperation.LESS: "less",
    }

    def _emit(self, core: Any, inputs: list[int], name: str) -> list[int]:
        if self.op is ElementWiseOperation.FLOOR_DIV:
            ratio = core.add_binary("div", *inputs, f"{name}_ratio")
            return [core.add_unary("floor", ratio, 0, 0, name)]
        return [core.add_binary(self._FUNCTIONS[self.op], *inputs, name)]


class IUnaryLayer(ILayer):
    _TYPE = LayerType.UNARY
    op = setting("op")

    def _emit(self, core: Any, inputs: list[int], name: str) -> list[int]:
        if self.op in (UnaryOperation.ISINF, UnaryOperation.ISNAN):
            raise UnsupportedError(f"unsupported: unary {self.op.name}; supported: all but ISINF and ISNAN")
        function = "reciprocal" if self.op is UnaryOperation.RECIP else self.op.name.lower()
        return [core.add_unary(function, inputs[0], 0, 0, name)]


class IParametricReLULayer(ILayer):
    _TYPE = LayerType.PARAMETRIC_RELU

    def _emit(self, core: Any, inputs: list[int], name: str) -> list[int]:
        positive = core.add_clip(inputs[0], 0, math.inf, f"{name}_positive")
        negative = core.add_clip(inputs[0], -math.inf, 0, f"{name}_negative")
        sloped = core.add_binary("mul", negative, inputs[1], f"{name}_sloped")
        return [core.add_binary("add", positive, sloped, name)]


class IReduceLayer(ILayer):
    _TYPE = LayerType.REDUCE
    op = setting("op")
    axes = setting("axes")
    keep_dims = setting("keep_dims")
    _KINDS = {
        ReduceOperation.SUM: "sum",
        ReduceOperation.PROD: "prod",
        ReduceOperation.MAX: "max",
        ReduceOperation.MIN: "min",
        ReduceOperation.AVG: "mean",
    }

    def _emit(self, core: Any, inputs: list[int], name: str) -> list[int]:
        axes = axes_of(int(self.axes), rank_of(core, inputs[0]))
        return [core.add_reduce(self._KINDS[self.op], inputs[0], axes, bool(self.keep_dims), name)]


class ISoftMaxLayer(ILayer):
    _TYPE = LayerType.SOFTMAX
    axes = setting("axes")

    def _emit(self, core: Any, inputs: list[int], name: str) -> list[int]:
        rank = rank_of(core, inputs[0])
        mask = 1 << default_axis(rank) if self.axes is None else int(self.axes)
        axes = axes_of(mask, rank)
        if len(axes) != 1:
            raise UnsupportedError(f'unsupported: softmax "{name}" over axes {axes}; supported: one axis')
        return [core.add_softmax(inputs[0], axes[0], False, name)]


class ITopKLayer(ILayer):
    _TYPE = LayerType.TOPK
    _OUTPUTS = 2
    op = setting("op")
    k = setting("k")
    axes = setting("axes")
    indices_type = setting("indices_type")

    def _emit(self, core: Any, inputs: list[int], name: str) -> list[int]:
        axes = axes_of(int(self.axes), rank_of(core, inputs[0]))
        if int(self.k) != 1 or len(axes) != 1:
            raise UnsupportedError(f'unsupported: layer "{name}" with k = {self.k}; supported: 1')
        largest = self.op is TopKOperation.MAX
        values = core.add_reduce("max" if largest else "min", inputs[0], axes, True, name)
        return [values, core.add_arg_reduce(largest, inputs[0], axes[0], True, f"{name}_indices")]


class INormalizationLayer(ILayer):
    """(x − mean) / sqrt(variance + epsilon) · scale + bias over the axes of a mask."""

    _TYPE = LayerType.NORMALIZATION
    axes = setting("axes")
    epsilon = setting("epsilon", float)
    num_groups = setting("num_groups")
    compute_precision = setting("compute_precision")
    is_v2 = False

    def _emit(self, core: Any, inputs: list[int], name: str) -> list[int]:
        x, scale, bias = inputs
        rank = rank_of(core, x)
        axes = axes_of(int(self.axes), rank)
        if int(self.num_groups) != 1:
            raise UnsupportedError(f'unsupported: layer "{name}" with groups; supported: num_groups = 1')
        if axes == list(range(axes[0], rank)):
            normal = core.add_layer_norm(x, -1, -1, axes[0], self.epsilon, f"{name}_normal")
        else:
            centred = core.add_binary("sub", x, self._mean(core, x, axes, name), f"{name}_centred")
            square = core.add_binary("mul", centred, centred, f"{name}_square")
            variance = self._mean(core, square, axes, f"{name}_variance")
            shifted = core.add_binary("add", variance, scalar(core, variance, self.epsilon), f"{name}_eps")
            deviation = core.add_unary("sqrt", shifted, 0, 0, f"{name}_deviation")
            normal = core.add_binary("div", centred, deviation, f"{name}_normal")
        scaled = core.add_binary("mul", normal, scale, f"{name}_scaled")
        return [core.add_binary("add", scaled, bias, name)]

    @staticmethod
    def _mean(core: Any, x: int, axes: list[int], name: str) -> int:
        return core.add_reduce("mean", x, axes, True, f"{name}_mean")


def _scale_of(core: Any, inputs: list[int], name: str, axis: int) -> numpy.ndarray:
    """The scale of a Quantize or Dequantize as it broadcasts against what is quantised."""
    scale = core.constant_of(inputs[1])
    if scale is None:
        raise UnsupportedError(f'unsupported: layer "{name}" with a scale that is no constant')
    if scale.size == 1:
        return scale.reshape(())
    shape = [1] * rank_of(core, inputs[0])
    shape[axis] = -1
    return scale.reshape(shape)


class IQuantizeLayer(ILayer):
    """Explicit quantisation: round(x / scale), as ONNX's QuantizeLinear with zero point 0."""

    _TYPE = LayerType.QUANTIZE
    axis = setting("axis")
    to_type = setting("to_type")
    block_shape = setting("block_shape", Dims)

    def _emit(self, core: Any, inputs: list[int], name: str) -> list[int]:
        scale = _scale_of(core, inputs, name, int(self.axis))
        weights = core.constant_of(inputs[0])
        if weights is not None:
            steps = numpy.clip(numpy.rint(weights / scale), -128, 127)
            return [core.add_constant(steps.astype(numpy.int8), name)]
        if scale.size != 1:
            raise UnsupportedError(
                f'unsupported: layer "{name}" quantises an activation per channel; supported: one scale'
            )
        return [core.add_quantize(inputs[0], float(scale), name)]


class IDequantizeLayer(ILayer):
    """Explicit quantisation: q · scale, of what a Quantize gave, of int8 weights, or of an int8 input."""

    _TYPE = LayerType.DEQUANTIZE
    axis = setting("axis")
    to_type = setting("to_type")
    block_shape = setting("block_shape", Dims)

    def _emit(self, core: Any, inputs: list[int], name: str) -> list[int]:
        scale = _scale_of(core, inputs, name, int(self.axis))
        weights = core.constant_of(inputs[0])
        if weights is not None:
            return [core.add_constant(weights.astype(numpy.float32) * scale, name)]
        held = core.scale_of(inputs[0])
        if held == 0:  # integers of the caller
            real = core.add_cast(inputs[0], "float32", f"{name}_real")
            return [core.add_binary("mul", real, core.add_constant(scale, f"{name}_scale"), name)]
        if scale.size != 1 or float(scale) != held:
            raise UnsupportedError(
                f'unsupported: layer "{name}" with another scale than the Quantize before it, {held}; supported: the same'
            )
        return [core.add_dequantize(inputs[0], name)]


def weights_or_none(weights: Any) -> Any:
    return None if weights is None else weights if isinstance(weights, Weights) else Weights(weights)
