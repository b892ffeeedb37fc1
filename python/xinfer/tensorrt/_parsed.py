"""Layers of a parsed model as TensorRT's layer objects: names, types, tensors; not their settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xinfer.tensorrt import _layers_compute as compute
from xinfer.tensorrt import _layers_movement as movement
from xinfer.tensorrt._enums import LayerType
from xinfer.tensorrt._layers import ILayer
from xinfer.tensorrt._tensor import ITensor

if TYPE_CHECKING:
    from xinfer import _core
    from xinfer.tensorrt._network import INetworkDefinition

_CLASSES: dict[str, type[ILayer]] = {
    "Conv": compute.IConvolutionLayer,
    "MatMul": compute.IMatrixMultiplyLayer,
    "Pool": compute.IPoolingLayer,
    "BatchNorm": compute.IScaleLayer,
    "LayerNorm": compute.INormalizationLayer,
    "Softmax": compute.ISoftMaxLayer,
    "Unary": compute.IUnaryLayer,
    "Binary": compute.IElementWiseLayer,
    "Select": movement.ISelectLayer,
    "Clip": compute.IActivationLayer,
    "Cast": movement.ICastLayer,
    "Reduce": compute.IReduceLayer,
    "ArgReduce": compute.ITopKLayer,
    "Transpose": movement.IShuffleLayer,
    "Reshape": movement.IShuffleLayer,
    "Slice": movement.ISliceLayer,
    "Concat": movement.IConcatenationLayer,
    "Pad": movement.IPaddingLayer,
    "Gather": movement.IGatherLayer,
    "Expand": movement.ISliceLayer,
    "Resize": movement.IResizeLayer,
    "ShapeOf": movement.IShapeLayer,
    "Quantize": compute.IQuantizeLayer,
    "Dequantize": compute.IDequantizeLayer,
}


def parsed_layers(
    network: INetworkDefinition, base: _core.Network, tensors: dict[str, ITensor]
) -> list[ILayer]:
    """A layer object for every node, in order; `tensors` gains their outputs by name."""
    layers = []
    for node in base.layers():
        layer = _make(network, node, tensors)
        layers.append(layer)
        tensors.update({tensor._name: tensor for tensor in layer._outputs})
    return layers


def _make(network: INetworkDefinition, node: dict[str, Any], tensors: dict[str, ITensor]) -> ILayer:
    kind = _CLASSES.get(node["op"], ILayer)
    layer = kind.__new__(kind)
    layer._network, layer._settings = network, {}
    layer._inputs = [tensors.get(name) for name in node["inputs"]]
    layer._type = kind._TYPE if kind is not ILayer else LayerType.IDENTITY
    layer._name, layer.metadata = node["name"], f"[ONNX Layer: {node['name']}]"
    layer._precision, layer._output_types, layer._parsed, layer._rewired = None, {}, True, {}
    layer._outputs = [ITensor(network, name, layer) for name in node["outputs"] if name]
    return layer
