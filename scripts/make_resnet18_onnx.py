#!/usr/bin/env python3
"""Writes a complete ResNet-18 with random weights: python make_resnet18_onnx.py resnet18.onnx

The architecture is that of K. He et al., "Deep Residual Learning for Image Recognition" (2015), for
224x224 images and 1000 classes. Batch norms are folded into the convolutions and the batch is fixed
to 1, as exporters do by default. Weights are He-initialised with a fixed seed: the model classifies
nothing, but its size, shapes and value ranges are those of a trained one.
"""

import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SEED = 18
# He initialisation preserves the variance along a path; the last convolution of a residual branch
# is made smaller, so that sums of eight branches stay in range.
BRANCH_GAIN = 0.25


class Builder:
    def __init__(self):
        self.random = np.random.default_rng(SEED)
        self.nodes, self.weights = [], []

    def weight(self, name, array):
        self.weights.append(numpy_helper.from_array(array.astype(np.float32), name))
        return name

    def node(self, op, inputs, name, **attributes):
        output = f"{name}_output"
        self.nodes.append(helper.make_node(op, inputs, [output], name=name, **attributes))
        return output

    def conv(self, x, name, channels, kernel, stride, gain=1.0):
        inputs, outputs = channels
        std = gain * np.sqrt(2 / (inputs * kernel * kernel))
        w = self.random.normal(0, std, (outputs, inputs, kernel, kernel))
        bias = self.random.normal(0, 0.05, outputs)
        pad = kernel // 2
        return self.node(
            "Conv", [x, self.weight(f"{name}.weight", w), self.weight(f"{name}.bias", bias)], name,
            kernel_shape=[kernel, kernel], strides=[stride, stride], pads=[pad] * 4,
            dilations=[1, 1], group=1)

    def relu(self, x, name):
        return self.node("Relu", [x], name)

    def basic_block(self, x, name, inputs, outputs, stride):
        y = self.conv(x, f"{name}.conv1", (inputs, outputs), 3, stride)
        y = self.relu(y, f"{name}.relu1")
        y = self.conv(y, f"{name}.conv2", (outputs, outputs), 3, 1, BRANCH_GAIN)
        if stride != 1 or inputs != outputs:
            x = self.conv(x, f"{name}.downsample", (inputs, outputs), 1, stride)
        return self.relu(self.node("Add", [y, x], f"{name}.add"), f"{name}.relu2")


def resnet18():
    b = Builder()
    x = b.relu(b.conv("input", "conv1", (3, 64), 7, 2), "relu")
    x = b.node("MaxPool", [x], "maxpool", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    channels = 64
    for layer, outputs in enumerate((64, 128, 256, 512), 1):
        for block in range(2):
            stride = 2 if layer > 1 and block == 0 else 1
            x = b.basic_block(x, f"layer{layer}.{block}", channels, outputs, stride)
            channels = outputs
    x = b.node("GlobalAveragePool", [x], "avgpool")
    x = b.node("Flatten", [x], "flatten", axis=1)
    w = b.random.normal(0, 1 / np.sqrt(channels), (1000, channels))
    b.nodes.append(helper.make_node(
        "Gemm", [x, b.weight("fc.weight", w), b.weight("fc.bias", np.zeros(1000))], ["output"],
        name="fc", transB=1))
    graph = helper.make_graph(
        b.nodes, "resnet18",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, 224, 224])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 1000])], b.weights)
    model = helper.make_model(graph, producer_name="make_resnet18_onnx.py",
                              opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 7
    onnx.checker.check_model(model, full_check=True)
    return model


def main():
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} OUTPUT.onnx")
    onnx.save(resnet18(), sys.argv[1])


if __name__ == "__main__":
    main()
