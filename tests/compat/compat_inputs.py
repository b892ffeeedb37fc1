"""What public scripts expect to find beside them: models, pictures, weights, made up here.

A word of the column `prepare` is KIND:PATH[:OPTIONS…], PATH relative to the script's folder:

    model:PATH:INPUT:1x3x224x224:CLASSES   a small classifier (ONNX); -1 is a dynamic dimension
    detector:PATH:INPUT:1x3x640x640        a small network with boxes [N, 84, H · W / 4096]
    engine:PATH:INPUT:1x3x640x640          that network, built
    images:FOLDER:COUNT:HEIGHTxWIDTH       JPEG files
    image:PATH:HEIGHTxWIDTH                one picture
    text:PATH:LINE,LINE,…                  a text file; no lines: an empty one
    lines:PATH:COUNT                       a text file with so many lines
    folder:PATH                            an empty folder
    wts:PATH:NETWORK                       weights in tensorrtx's text form, of a network below
"""

from __future__ import annotations

import pathlib
import struct

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

_random = np.random.default_rng(7)


def prepare(word: str, folder: pathlib.Path) -> None:
    kind, path, *options = word.split(":")
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    _KINDS[kind](target, *options)


def _sizes(text: str) -> list[int]:
    return [int(size) for size in text.split("x")]


def _model(path: pathlib.Path, name: str, shape: str, classes: str = "10") -> None:
    """Two convolutions, a ReLU each, a mean and a product."""
    dims = _sizes(shape)
    weights = {
        "w1": _random.normal(0, 0.2, (8, dims[1], 3, 3)).astype(np.float32),
        "w2": _random.normal(0, 0.1, (16, 8, 3, 3)).astype(np.float32),
        "w3": _random.normal(0, 0.3, (16, int(classes))).astype(np.float32),
    }
    nodes = [
        helper.make_node("Conv", [name, "w1"], ["c1"], name="conv1", pads=[1] * 4, strides=[2, 2]),
        helper.make_node("Relu", ["c1"], ["r1"], name="relu1"),
        helper.make_node("Conv", ["r1", "w2"], ["c2"], name="conv2", pads=[1] * 4, strides=[2, 2]),
        helper.make_node("Relu", ["c2"], ["r2"], name="relu2"),
        helper.make_node("ReduceMean", ["r2"], ["mean"], name="mean", axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["mean", "w3"], ["output"], name="fc"),
    ]
    _write(path, nodes, name, dims, "output", [dims[0], int(classes)], weights)


def _engine(path: pathlib.Path, name: str, shape: str) -> None:
    """A detector's engine."""
    import xinfer

    model = path.with_suffix(".made.onnx")
    _detector(model, name, shape)
    xinfer.build(model).save(path)
    model.unlink()


def _detector(path: pathlib.Path, name: str, shape: str) -> None:
    """Two convolutions with stride 8 each, as [N, 84, positions]."""
    dims = _sizes(shape)
    weights = {
        "w1": _random.normal(0, 0.1, (16, dims[1], 8, 8)).astype(np.float32),
        "w2": _random.normal(0, 0.1, (84, 16, 3, 3)).astype(np.float32),
        "flat": np.array([0, 84, -1], np.int64),
    }
    nodes = [
        helper.make_node("Conv", [name, "w1"], ["c1"], name="conv1", strides=[8, 8]),
        helper.make_node("Relu", ["c1"], ["r1"], name="relu1"),
        helper.make_node("Conv", ["r1", "w2"], ["c2"], name="conv2", pads=[1] * 4, strides=[8, 8]),
        helper.make_node("Reshape", ["c2", "flat"], ["output0"], name="boxes"),
    ]
    _write(path, nodes, name, dims, "output0", [dims[0], 84, None], weights)


def _write(path, nodes, name, dims, output, shape, weights) -> None:
    def named(sizes):
        return [f"d{axis}" if size is None or size < 0 else size for axis, size in enumerate(sizes)]

    graph = helper.make_graph(
        nodes,
        "public",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, named(dims))],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, named(shape))],
        [numpy_helper.from_array(array, key) for key, array in weights.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)


def _images(folder: pathlib.Path, count: str, size: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(int(count)):
        _image(folder / f"{number:04d}.jpg", size)


def _image(path: pathlib.Path, size: str) -> None:
    height, width = _sizes(size)
    small = _random.integers(0, 256, (max(height // 8, 1), max(width // 8, 1), 3), dtype=np.uint8)
    Image.fromarray(small).resize((width, height), Image.BILINEAR).save(path)


def _text(path: pathlib.Path, lines: str = "") -> None:
    path.write_text("\n".join(lines.split(",")) + "\n")


def _lines(path: pathlib.Path, count: str) -> None:
    path.write_text("".join(f"line {number}\n" for number in range(int(count))))


def _folder(path: pathlib.Path) -> None:
    path.mkdir(exist_ok=True)


def _wts(path: pathlib.Path, network: str) -> None:
    lines = []
    for name, shape in _NETWORKS[network]():
        fan = max(int(np.prod(shape[1:])), 1)
        count = int(np.prod(shape))
        values = _random.normal(0, (2.0 / fan) ** 0.5, min(count, 4099))  # repeated: large files, quickly made
        if name.endswith(("running_var", "bn.weight")):
            values = np.ones_like(values)
        words = [struct.pack(">f", value).hex() for value in values]
        repeats = -(-count // len(words))
        lines.append(f"{name} {count} {' '.join((words * repeats)[:count])}")
    path.write_text(f"{len(lines)}\n" + "\n".join(lines) + "\n")


def _mlp():
    return [("linear.weight", (1, 1)), ("linear.bias", (1,))]


_KINDS = {
    "detector": _detector,
    "engine": _engine,
    "folder": _folder,
    "image": _image,
    "images": _images,
    "lines": _lines,
    "model": _model,
    "text": _text,
    "wts": _wts,
}
_NETWORKS = {"mlp": _mlp}
