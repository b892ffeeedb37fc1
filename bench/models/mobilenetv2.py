"""MobileNetV2 as torchvision exports it after folding batch norm: mobilenetv2.py OUTPUT.onnx

MobileNetV2: Inverted Residuals and Linear Bottlenecks (Sandler et al., 2018), width 1.0.
"""

import sys

import numpy as np

from onnx_writer import Writer

# Expansion, channels, repeats, stride: the paper's table 2.
STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
          (6, 160, 3, 2), (6, 320, 1, 1))


def relu6(w, x):
    low, high = (w.weight(np.array(v, np.float32)) for v in (0, 6))
    return w.node("Clip", x, low, high)


def inverted_residual(w, x, channels, filters, expansion, stride):
    y, width = x, channels * expansion
    if expansion != 1:
        y = relu6(w, w.conv(y, channels, width, 1))
    y = relu6(w, w.conv(y, width, width, 3, stride, groups=width))
    y = w.conv(y, width, filters, 1, gain=1.0)
    return w.node("Add", x, y) if stride == 1 and channels == filters else y


def main(path):
    w = Writer()
    x, channels = relu6(w, w.conv("input", 3, 32, 3, 2)), 32
    for expansion, filters, repeats, stride in STAGES:
        for i in range(repeats):
            x = inverted_residual(w, x, channels, filters, expansion, stride if i == 0 else 1)
            channels = filters
    x = relu6(w, w.conv(x, channels, 1280, 1))
    x = w.node("Flatten", w.node("GlobalAveragePool", x), axis=1)
    x = w.linear(x, 1280, 1000)
    w.save(path, x, ["batch", 3, 224, 224], ["batch", 1000])


if __name__ == "__main__":
    main(sys.argv[1])
