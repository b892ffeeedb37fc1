#!/usr/bin/env python3
"""Trains the example's CNN on the UCI digits and writes everything that the example carries.

    pip install -r requirements.txt
    python train_digits.py            # into this folder: digits.onnx, calib/, eval/

The network is Conv-BatchNorm-ReLU three times, global average pooling and a linear layer, on 8x8
gray images. Training is plain NumPy and takes about a minute; a fixed seed makes it repeatable on
one machine (another BLAS may differ in the last digits). The digits come with scikit-learn:
E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning
Repository, https://doi.org/10.24432/C50P49, CC BY 4.0.
"""

import argparse
import pathlib
import shutil

import numpy as np
import onnx
from numpy.lib.stride_tricks import sliding_window_view
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from sklearn.datasets import load_digits

CHANNELS = (24, 48, 64)
CALIB_PER_CLASS = 10
EVAL_PER_CLASS = 50
EPOCHS = 24
BATCH = 64
SEED = 1
EPSILON = 1e-5


def split(random):
    """Pixels in [0, 255], labels, and the rows of the calibration, evaluation and training sets."""
    digits = load_digits()
    pixels = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    calib, evaluation, train = [], [], []
    for label in range(10):
        rows = random.permutation(np.flatnonzero(digits.target == label))
        evaluation.extend(rows[:EVAL_PER_CLASS])
        calib.extend(rows[EVAL_PER_CLASS:EVAL_PER_CLASS + CALIB_PER_CLASS])
        train.extend(rows[EVAL_PER_CLASS:])  # Calibration images are training images.
    return pixels, digits.target, np.array(calib), np.array(evaluation), np.array(train)


def normalize(pixels):
    """What --preprocess color=gray,mean=0.5,std=0.5 does: [N, 1, 8, 8] in [-1, 1]."""
    return ((pixels.astype(np.float32) / 255 - 0.5) / 0.5)[:, None]


def shift(images, random):
    """Moves each image by at most one pixel; the border is background."""
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=-1)
    out = np.empty_like(images)
    for i, (dy, dx) in enumerate(random.integers(0, 3, (len(images), 2))):
        out[i] = padded[i, :, dy:dy + 8, dx:dx + 8]
    return out


class ConvBnRelu:
    """3x3 convolution with padding 1, batch normalisation, ReLU."""

    def __init__(self, inputs, outputs, random):
        std = np.sqrt(2 / (inputs * 9))
        self.weight = random.normal(0, std, (outputs, inputs, 3, 3)).astype(np.float32)
        self.gamma = np.ones(outputs, np.float32)
        self.beta = np.zeros(outputs, np.float32)
        self.mean = np.zeros(outputs, np.float32)
        self.variance = np.ones(outputs, np.float32)
        self.parameters = [self.weight, self.gamma, self.beta]

    def forward(self, x, training):
        padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
        windows = sliding_window_view(padded, (3, 3), axis=(2, 3))  # [N, C, H, W, 3, 3]
        self.shape = x.shape
        self.columns = windows.transpose(0, 2, 3, 1, 4, 5).reshape(-1, x.shape[1] * 9)
        y = self.columns @ self.weight.reshape(len(self.weight), -1).T  # [N H W, outputs]
        if training:
            mean, variance = y.mean(0), y.var(0)
            self.mean += 0.1 * (mean - self.mean)
            self.variance += 0.1 * (variance - self.variance)
        else:
            mean, variance = self.mean, self.variance
        self.inverse_std = 1 / np.sqrt(variance + EPSILON)
        self.normalized = (y - mean) * self.inverse_std
        self.output = np.maximum(self.normalized * self.gamma + self.beta, 0)
        n, _, h, w = x.shape
        return self.output.reshape(n, h, w, -1).transpose(0, 3, 1, 2)

    def backward(self, gradient):
        gradient = gradient.transpose(0, 2, 3, 1).reshape(self.output.shape) * (self.output > 0)
        d_gamma, d_beta = (gradient * self.normalized).sum(0), gradient.sum(0)
        rows = len(gradient)
        gradient = (self.gamma * self.inverse_std / rows) * (
            rows * gradient - d_beta - self.normalized * d_gamma)
        d_weight = (gradient.T @ self.columns).reshape(self.weight.shape)
        self.gradients = [d_weight, d_gamma, d_beta]
        columns = gradient @ self.weight.reshape(len(self.weight), -1)
        n, c, h, w = self.shape
        columns = columns.reshape(n, h, w, c, 3, 3)
        padded = np.zeros((n, c, h + 2, w + 2), np.float32)
        for i in range(3):
            for j in range(3):
                padded[:, :, i:i + h, j:j + w] += columns[..., i, j].transpose(0, 3, 1, 2)
        return padded[:, :, 1:-1, 1:-1]


class Classifier:
    """Global average pooling and a linear layer."""

    def __init__(self, inputs, random):
        self.weight = random.normal(0, np.sqrt(1 / inputs), (10, inputs)).astype(np.float32)
        self.bias = np.zeros(10, np.float32)
        self.parameters = [self.weight, self.bias]

    def forward(self, x, training):
        del training
        self.shape = x.shape
        self.pooled = x.mean((2, 3))
        return self.pooled @ self.weight.T + self.bias

    def backward(self, gradient):
        self.gradients = [gradient.T @ self.pooled, gradient.sum(0)]
        n, c, h, w = self.shape
        pooled = gradient @ self.weight / (h * w)
        return np.broadcast_to(pooled[:, :, None, None], (n, c, h, w)).astype(np.float32)


def logits(layers, x, training=False):
    for layer in layers:
        x = layer.forward(x, training)
    return x


def accuracy(layers, x, labels):
    return 100 * np.mean(logits(layers, x).argmax(1) == labels)


def train_step(layers, x, labels, velocity, rate):
    scores = logits(layers, x, training=True)
    scores = np.exp(scores - scores.max(1, keepdims=True))
    gradient = scores / scores.sum(1, keepdims=True)
    gradient[np.arange(len(labels)), labels] -= 1
    gradient /= len(labels)
    for layer in reversed(layers):
        gradient = layer.backward(gradient)
    for layer in layers:
        for parameter, slope in zip(layer.parameters, layer.gradients):
            v = velocity.setdefault(id(parameter), np.zeros_like(parameter))
            v *= 0.9
            v += slope + 1e-4 * parameter
            parameter -= rate * v


def train(x, labels, random):
    channels = (1, *CHANNELS)
    layers = [ConvBnRelu(a, b, random) for a, b in zip(channels, channels[1:])]
    layers.append(Classifier(channels[-1], random))
    velocity = {}
    for epoch in range(EPOCHS):
        rate = 0.05 * (1 + np.cos(np.pi * epoch / EPOCHS))  # 0.1 down to almost 0.
        order = random.permutation(len(x))
        for rows in np.array_split(order, len(x) // BATCH):
            train_step(layers, shift(x[rows], random), labels[rows], velocity, rate)
        print(f"epoch {epoch + 1:2}: {accuracy(layers, x, labels):.2f} % of the training images")
    return layers


def export(layers, path):
    nodes, weights = [], []

    def weight(name, array):
        weights.append(numpy_helper.from_array(array.astype(np.float32), name))
        return name

    value = "image"
    for i, layer in enumerate(layers[:-1], 1):
        nodes.append(helper.make_node(
            "Conv", [value, weight(f"conv{i}.weight", layer.weight)], [f"conv{i}_out"],
            name=f"conv{i}", kernel_shape=[3, 3], pads=[1, 1, 1, 1]))
        statistics = [weight(f"bn{i}.{name}", array) for name, array in (
            ("gamma", layer.gamma), ("beta", layer.beta), ("mean", layer.mean),
            ("variance", layer.variance))]
        nodes.append(helper.make_node("BatchNormalization", [f"conv{i}_out", *statistics],
                                      [f"bn{i}_out"], name=f"bn{i}", epsilon=EPSILON))
        value = f"relu{i}_out"
        nodes.append(helper.make_node("Relu", [f"bn{i}_out"], [value], name=f"relu{i}"))
    nodes.append(helper.make_node("GlobalAveragePool", [value], ["pool_out"], name="pool"))
    nodes.append(helper.make_node("Flatten", ["pool_out"], ["features"], name="flatten"))
    nodes.append(helper.make_node(
        "Gemm", ["features", weight("fc.weight", layers[-1].weight),
                 weight("fc.bias", layers[-1].bias)], ["scores"], name="fc", transB=1))
    graph = helper.make_graph(
        nodes, "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, 8, 8])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", 10])], weights)
    model = helper.make_model(graph, producer_name="train_digits.py",
                              opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 7
    onnx.checker.check_model(model)
    onnx.save(model, path)


def save_images(folder, pixels, labels, rows):
    shutil.rmtree(folder, ignore_errors=True)
    for row in sorted(rows):
        file = folder / str(labels[row]) / f"{row:04}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels[row]).save(file, optimize=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path(__file__).parent)
    output = parser.parse_args().output
    random = np.random.default_rng(SEED)
    pixels, labels, calib, evaluation, training = split(random)
    x = normalize(pixels)
    layers = train(x[training], labels[training], random)
    print(f"{accuracy(layers, x[evaluation], labels[evaluation]):.2f} % of the evaluation images")
    export(layers, output / "digits.onnx")
    save_images(output / "calib", pixels, labels, calib)
    save_images(output / "eval", pixels, labels, evaluation)


if __name__ == "__main__":
    main()
