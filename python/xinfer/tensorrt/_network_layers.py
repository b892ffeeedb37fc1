"""The add_… methods of INetworkDefinition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from xinfer._errors import InvalidArgumentError, UnsupportedError
from xinfer.tensorrt import _layers_compute as compute
from xinfer.tensorrt import _layers_movement as movement
from xinfer.tensorrt._basics import Dims, Weights
from xinfer.tensorrt._enums import (
    DataType,
    GatherMode,
    InterpolationMode,
    PaddingMode,
    ResizeCoordinateTransformation,
    ResizeRoundMode,
    ResizeSelector,
    SampleMode,
)

if TYPE_CHECKING:
    from xinfer.tensorrt._tensor import ITensor


class LayerAdders:
    """Every method appends a layer and returns it; its settings may change until the build."""

    _add: Any

    def add_convolution_nd(
        self, input: ITensor, num_output_maps: int, kernel_shape: Any, kernel: Any, bias: Any = None
    ) -> compute.IConvolutionLayer:
        axes = len(Dims(kernel_shape))
        zeros, ones = Dims([0] * axes), Dims([1] * axes)
        return self._add(
            compute.IConvolutionLayer(
                self,
                [input],
                {
                    "num_output_maps": int(num_output_maps),
                    "kernel_size_nd": Dims(kernel_shape),
                    "kernel": compute.weights_or_none(kernel),
                    "bias": compute.weights_or_none(bias),
                    "stride_nd": ones,
                    "dilation_nd": ones,
                    "pre_padding": zeros,
                    "post_padding": zeros,
                    "padding_mode": PaddingMode.EXPLICIT_ROUND_DOWN,
                    "num_groups": 1,
                },
            )
        )

    add_convolution = add_convolution_nd

    def add_deconvolution_nd(
        self, input: ITensor, num_output_maps: int, kernel_shape: Any, kernel: Any, bias: Any = None
    ) -> Any:
        return _refuse("add_deconvolution_nd", "the library has no transposed convolution")

    add_deconvolution = add_deconvolution_nd

    def add_pooling_nd(self, input: ITensor, type: Any, window_size: Any) -> compute.IPoolingLayer:
        axes = len(Dims(window_size))
        return self._add(
            compute.IPoolingLayer(
                self,
                [input],
                {
                    "type": type,
                    "window_size_nd": Dims(window_size),
                    "stride_nd": Dims([1] * axes),
                    "pre_padding": Dims([0] * axes),
                    "post_padding": Dims([0] * axes),
                    "padding_mode": PaddingMode.EXPLICIT_ROUND_DOWN,
                    "average_count_excludes_padding": True,
                    "blend_factor": 0.0,
                },
            )
        )

    add_pooling = add_pooling_nd

    def add_activation(self, input: ITensor, type: Any) -> compute.IActivationLayer:
        return self._add(
            compute.IActivationLayer(self, [input], {"type": type, "alpha": 0.0, "beta": 0.0})
        )

    def add_scale(
        self, input: ITensor, mode: Any, shift: Any = None, scale: Any = None, power: Any = None
    ) -> compute.IScaleLayer:
        channels = 0 if self.has_implicit_batch_dimension else 1
        return self.add_scale_nd(input, mode, shift, scale, power, channels)

    def add_scale_nd(
        self,
        input: ITensor,
        mode: Any,
        shift: Any = None,
        scale: Any = None,
        power: Any = None,
        channel_axis: int = 1,
    ) -> compute.IScaleLayer:
        weights = [compute.weights_or_none(w) for w in (shift, scale, power)]
        return self._add(
            compute.IScaleLayer(
                self,
                [input],
                {
                    "mode": mode,
                    "shift": weights[0],
                    "scale": weights[1],
                    "power": weights[2],
                    "channel_axis": int(channel_axis),
                },
            )
        )

    def add_matrix_multiply(
        self, input0: ITensor, op0: Any, input1: ITensor, op1: Any
    ) -> compute.IMatrixMultiplyLayer:
        return self._add(compute.IMatrixMultiplyLayer(self, [input0, input1], {"op0": op0, "op1": op1}))

    def add_fully_connected(
        self, input: ITensor, num_outputs: int, kernel: Any, bias: Any = None
    ) -> compute.IFullyConnectedLayer:
        return self._add(
            compute.IFullyConnectedLayer(
                self,
                [input],
                {
                    "num_output_channels": int(num_outputs),
                    "kernel": compute.weights_or_none(kernel),
                    "bias": compute.weights_or_none(bias),
                },
            )
        )

    def add_elementwise(self, input1: ITensor, input2: ITensor, op: Any) -> compute.IElementWiseLayer:
        return self._add(compute.IElementWiseLayer(self, [input1, input2], {"op": op}))

    def add_unary(self, input: ITensor, op: Any) -> compute.IUnaryLayer:
        return self._add(compute.IUnaryLayer(self, [input], {"op": op}))

    def add_parametric_relu(self, input: ITensor, slopes: ITensor) -> compute.IParametricReLULayer:
        return self._add(compute.IParametricReLULayer(self, [input, slopes], {}))

    def add_reduce(self, input: ITensor, op: Any, axes: int, keep_dims: bool) -> compute.IReduceLayer:
        return self._add(
            compute.IReduceLayer(self, [input], {"op": op, "axes": axes, "keep_dims": keep_dims})
        )

    def add_softmax(self, input: ITensor) -> compute.ISoftMaxLayer:
        return self._add(compute.ISoftMaxLayer(self, [input], {"axes": None}))

    def add_topk(
        self, input: ITensor, op: Any, k: int, axes: int, indices_type: Any = None
    ) -> compute.ITopKLayer:
        settings = {"op": op, "k": int(k), "axes": axes, "indices_type": indices_type or DataType.INT64}
        return self._add(compute.ITopKLayer(self, [input], settings))

    def add_normalization(
        self, input: ITensor, scale: ITensor, bias: ITensor, axesMask: int  # noqa: N803: TensorRT's name
    ) -> compute.INormalizationLayer:
        settings = {
            "axes": int(axesMask),
            "epsilon": 1e-5,
            "num_groups": 1,
            "compute_precision": DataType.FLOAT,
        }
        return self._add(compute.INormalizationLayer(self, [input, scale, bias], settings))

    add_normalization_v2 = add_normalization

    def add_quantize(
        self, input: ITensor, scale: ITensor, output_type: Any = DataType.INT8
    ) -> compute.IQuantizeLayer:
        if output_type is not DataType.INT8:
            _refuse("add_quantize", f"to {output_type}; supported: INT8")
        settings = {"axis": -1, "to_type": output_type, "block_shape": Dims()}
        return self._add(compute.IQuantizeLayer(self, [input, scale], settings))

    def add_dequantize(
        self, input: ITensor, scale: ITensor, output_type: Any = DataType.FLOAT
    ) -> compute.IDequantizeLayer:
        settings = {"axis": 0, "to_type": output_type, "block_shape": Dims()}
        return self._add(compute.IDequantizeLayer(self, [input, scale], settings))

    # --- movement ---

    def add_constant(self, shape: Any, weights: Any) -> movement.IConstantLayer:
        held = weights if isinstance(weights, Weights) else Weights(weights)
        return self._add(movement.IConstantLayer(self, [], {"shape": Dims(shape), "weights": held}))

    def add_identity(self, input: ITensor) -> movement.IIdentityLayer:
        return self._add(movement.IIdentityLayer(self, [input], {}))

    def add_cast(self, input: ITensor, to_type: Any) -> movement.ICastLayer:
        return self._add(movement.ICastLayer(self, [input], {"to_type": to_type}))

    def add_shape(self, input: ITensor) -> movement.IShapeLayer:
        return self._add(movement.IShapeLayer(self, [input], {}))

    def add_shuffle(self, input: ITensor) -> movement.IShuffleLayer:
        return self._add(
            movement.IShuffleLayer(
                self,
                [input],
                {
                    "first_transpose": None,
                    "reshape_dims": None,
                    "second_transpose": None,
                    "zero_is_placeholder": True,
                },
            )
        )

    def add_slice(self, input: ITensor, start: Any, shape: Any, stride: Any) -> movement.ISliceLayer:
        settings = {
            "start": Dims(start),
            "shape": Dims(shape),
            "stride": Dims(stride),
            "axes": Dims(),
            "mode": SampleMode.STRICT_BOUNDS,
        }
        return self._add(movement.ISliceLayer(self, [input], settings))

    def add_concatenation(self, inputs: Sequence[ITensor]) -> movement.IConcatenationLayer:
        if not inputs:
            raise InvalidArgumentError("add_concatenation: no inputs")
        return self._add(movement.IConcatenationLayer(self, list(inputs), {"axis": None}))

    def add_gather(self, input: ITensor, indices: ITensor, axis: int) -> movement.IGatherLayer:
        settings = {"axis": axis, "mode": GatherMode.DEFAULT, "num_elementwise_dims": 0}
        return self._add(movement.IGatherLayer(self, [input, indices], settings))

    def add_gather_v2(self, input: ITensor, indices: ITensor, mode: Any) -> movement.IGatherLayer:
        settings = {"axis": 0, "mode": mode, "num_elementwise_dims": 0}
        return self._add(movement.IGatherLayer(self, [input, indices], settings))

    def add_select(
        self, condition: ITensor, then_input: ITensor, else_input: ITensor
    ) -> movement.ISelectLayer:
        return self._add(movement.ISelectLayer(self, [condition, then_input, else_input], {}))

    def add_padding_nd(self, input: ITensor, pre_padding: Any, post_padding: Any) -> movement.IPaddingLayer:
        settings = {"pre_padding_nd": Dims(pre_padding), "post_padding_nd": Dims(post_padding)}
        return self._add(movement.IPaddingLayer(self, [input], settings))

    add_padding = add_padding_nd

    def add_squeeze(self, input: ITensor, axes: ITensor) -> movement.ISqueezeLayer:
        return self._add(movement.ISqueezeLayer(self, [input, axes], {}))

    def add_unsqueeze(self, input: ITensor, axes: ITensor) -> movement.IUnsqueezeLayer:
        return self._add(movement.IUnsqueezeLayer(self, [input, axes], {}))

    def add_resize(self, input: ITensor) -> movement.IResizeLayer:
        return self._add(
            movement.IResizeLayer(
                self,
                [input],
                {
                    "shape": None,
                    "scales": None,
                    "resize_mode": InterpolationMode.NEAREST,
                    "coordinate_transformation": ResizeCoordinateTransformation.ASYMMETRIC,
                    "nearest_rounding": ResizeRoundMode.FLOOR,
                    "selector_for_single_pixel": ResizeSelector.FORMULA,
                    "cubic_coeff": -0.75,
                    "exclude_outside": False,
                },
            )
        )


def _refuse(method: str, why: str) -> Any:
    raise UnsupportedError(f"unsupported: INetworkDefinition.{method}: {why}")


#: Methods without a counterpart in the library, with the reason.
WITHOUT_COUNTERPART = {
    "add_assertion": "assertions at run time",
    "add_attention": "a fused attention layer; supported: its matrix products and softmax",
    "add_cumulative": "cumulative sums",
    "add_dist_collective": "several devices",
    "add_dynamic_quantize": "quantisation with scales found at run time",
    "add_dynamic_quantize_v2": "quantisation with scales found at run time",
    "add_einsum": "Einsum; supported: matrix products and shuffles",
    "add_fill": "Fill; supported: constants",
    "add_grid_sample": "GridSample",
    "add_if_conditional": "control flow",
    "add_kv_cache_update": "key-value caches",
    "add_loop": "control flow",
    "add_lrn": "local response normalisation",
    "add_moe": "mixtures of experts",
    "add_nms": "non-maximum suppression inside the engine",
    "add_non_zero": "outputs whose size depends on values",
    "add_one_hot": "OneHot; supported: gathering rows of a constant identity matrix",
    "add_plugin": "plugins",
    "add_plugin_v2": "plugins",
    "add_plugin_v3": "plugins",
    "add_ragged_softmax": "ragged tensors",
    "add_reverse_sequence": "ReverseSequence",
    "add_rnn_v2": "recurrent layers",
    "add_rotary_embedding": "a fused rotary embedding; supported: its products and slices",
    "add_scatter": "Scatter",
}


def _refusing(method: str, why: str) -> Any:
    def refuse(self: Any, *_: Any, **__: Any) -> Any:
        return _refuse(method, why)

    refuse.__name__ = method
    refuse.__doc__ = f"Raises UnsupportedError: {why}."
    return refuse


for _method, _why in WITHOUT_COUNTERPART.items():
    setattr(LayerAdders, _method, _refusing(_method, _why))
