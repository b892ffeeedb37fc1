#!/usr/bin/env python3
"""Writes a ResNet-50 v1.5 with random weights: python resnet50.py resnet50.onnx [--batch N]

The architecture is that of K. He et al., "Deep Residual Learning for Image Recognition" (2015), with the
stride in the 3x3 convolutions, for 3x224x224 images and 1000 classes. Batch norms are folded into the
convolutions, as exporters do. Weights are He-initialised with a fixed seed: the model classifies nothing,
but its size, shapes and value ranges are those of a trained one. The batch is dynamic unless given.
"""

import argparse

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SEED = 50
# He initialisation preserves the variance along a path; the last convolution of a residual branch is made
# smaller, so that sums of sixteen branches stay in range.
BRANCH_GAIN = 0.25
STAGES = ((3, 64, 1), (4, 128, 2), (6, 256, 2), (3, 512, 2))  # blocks, width, stride
EXPANSION = 4


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

    def conv(self, x, name, channels, kernel, stride=1, gain=1.0):
        inputs, outputs = channels
        std = gain * np.sqrt(2 / (inputs * kernel * kernel))
        weight = self.weight(f"{name}.weight", self.random.normal(0, std, (outputs, inputs, kernel, kernel)))
        bias = self.weight(f"{name}.bias", self.random.normal(0, 0.05, outputs))
        return self.node(
            "Conv", [x, weight, bias], name, kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[kernel // 2] * 4
        )

    def relu(self, x, name):
        return self.node("Relu", [x], name)

    def bottleneck(self, x, name, inputs, width, stride):
        outputs = width * EXPANSION
        y = self.relu(self.conv(x, f"{name}.conv1", (inputs, width), 1), f"{name}.relu1")
        y = self.relu(self.conv(y, f"{name}.conv2", (width, width), 3, stride), f"{name}.relu2")
        y = self.conv(y, f"{name}.conv3", (width, outputs), 1, gain=BRANCH_GAIN)
        if stride != 1 or inputs != outputs:
            x = self.conv(x, f"{name}.downsample", (inputs, outputs), 1, stride)
        return self.relu(self.node("Add", [y, x], f"{name}.add"), f"{name}.relu3")


def resnet50(batch="batch"):
    b = Builder()
    x = b.relu(b.conv("input", "conv1", (3, 64), 7, 2), "relu")
    x = b.node("MaxPool", [x], "maxpool", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    channels = 64
    for stage, (blocks, width, stride) in enumerate(STAGES, 1):
        for block in range(blocks):
            x = b.bottleneck(x, f"layer{stage}.{block}", channels, width, stride if block == 0 else 1)
            channels = width * EXPANSION
    x = b.node("Flatten", [b.node("GlobalAveragePool", [x], "avgpool")], "flatten", axis=1)
    weight = b.weight("fc.weight", b.random.normal(0, np.sqrt(1 / channels), (1000, channels)))
    bias = b.weight("fc.bias", b.random.normal(0, 0.05, 1000))
    b.nodes.append(helper.make_node("Gemm", [x, weight, bias], ["output"], name="fc", transB=1))
    graph = helper.make_graph(
        b.nodes,
        "resnet50",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [batch, 3, 224, 224])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [batch, 1000])],
        b.weights,
    )
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="xinfer bench/models"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", help="the ONNX file to write")
    parser.add_argument("--batch", type=int, help="a fixed batch; default: dynamic")
    options = parser.parse_args()
    model = resnet50(options.batch or "batch")
    onnx.checker.check_model(model)
    onnx.save(model, options.output)


if __name__ == "__main__":
    main()
