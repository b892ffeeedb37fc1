#!/usr/bin/env python3
"""Writes the seeds of the fuzz targets into corpus/.

    python make_corpus.py --xinfer ../build/release/tools/xinfer

Needs numpy, onnx and Pillow, and the xinfer command for what only it can make (engines, JSON
caches). Inputs that once found a bug are added to corpus/ by hand and stay.
"""

import argparse
import pathlib
import struct
import subprocess
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

CORPUS = pathlib.Path(__file__).resolve().parent / "corpus"
RANDOM = np.random.default_rng(0)


def write(target, name, data):
    path = CORPUS / target / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)


def node(op, inputs, outputs, **attributes):
    return helper.make_node(op, inputs, outputs, name=outputs[0], **attributes)


def model(nodes, input_dims, output_dims, weights=None, opset=13):
    """A model x -> y; weights are arrays by name."""
    initializers = [numpy_helper.from_array(array, name) for name, array in (weights or {}).items()]
    graph = helper.make_graph(
        nodes, "seed", [helper.make_tensor_value_info("x", TensorProto.FLOAT, input_dims)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, output_dims)], initializers)
    result = helper.make_model(graph, producer_name="seed",
                               opset_imports=[helper.make_opsetid("", opset)])
    result.ir_version = 7
    onnx.checker.check_model(result)
    return result


def normal(*shape):
    return RANDOM.normal(0, 0.5, shape).astype(np.float32)


def integers(*values):
    return np.array(values, np.int64)


def conv_model():
    return model(
        [node("Conv", ["x", "w", "b"], ["c"], kernel_shape=[3, 3], pads=[1] * 4, strides=[2, 2]),
         node("BatchNormalization", ["c", "s", "b", "b", "v"], ["n"]),
         node("Relu", ["n"], ["r"]),
         node("MaxPool", ["r"], ["m"], kernel_shape=[2, 2], strides=[2, 2]),
         node("GlobalAveragePool", ["m"], ["g"]),
         node("Flatten", ["g"], ["f"]),
         node("Gemm", ["f", "k"], ["y"])],
        ["batch", 3, 8, 8], ["batch", 5],
        {"w": normal(4, 3, 3, 3), "b": normal(4), "s": normal(4), "v": np.ones(4, np.float32),
         "k": normal(4, 5)})


def residual_model():
    return model(
        [node("Conv", ["x", "w"], ["c"], kernel_shape=[1, 1]),
         node("Add", ["c", "x"], ["a"]),
         node("Clip", ["a", "low", "high"], ["d"]),
         node("Concat", ["d", "x"], ["y"], axis=1)],
        ["batch", 4, "height", 4], ["batch", 8, "height", 4],
        {"w": normal(4, 4, 1, 1), "low": np.float32(0), "high": np.float32(6)})


def shape_model():
    return model(
        [node("Shape", ["x"], ["s"]),
         node("Gather", ["s", "zero"], ["n"], axis=0),
         node("Concat", ["n", "minus"], ["t"], axis=0),
         node("Reshape", ["x", "t"], ["r"]),
         node("Softmax", ["r"], ["p"], axis=-1),
         node("Slice", ["p", "zero", "two", "one"], ["y"])],
        ["batch", 2, 3], ["batch", 2],
        {"zero": integers(0), "minus": integers(-1), "two": integers(2), "one": integers(1)})


def attention_model():
    return model(
        [node("MatMul", ["x", "w"], ["q"]),
         node("Transpose", ["q"], ["k"], perm=[0, 2, 1]),
         node("MatMul", ["q", "k"], ["s"]),
         node("Softmax", ["s"], ["p"], axis=2),
         node("MatMul", ["p", "q"], ["o"]),
         node("ReduceMean", ["o"], ["m"], axes=[2], keepdims=1),
         node("Sub", ["o", "m"], ["y"])],
        [1, 4, 6], [1, 4, 6], {"w": normal(6, 6)})


def resize_model():
    return model(
        [node("Resize", ["x", "", "scales"], ["u"], mode="linear",
              coordinate_transformation_mode="half_pixel"),
         node("Pad", ["u", "pads"], ["p"], mode="reflect"),
         node("AveragePool", ["p"], ["y"], kernel_shape=[3, 3], ceil_mode=1)],
        [1, 2, 3, 3], [1, 2, 6, 6],
        {"scales": np.array([1, 1, 2, 2], np.float32), "pads": integers(0, 0, 1, 1, 0, 0, 1, 1)})


def quantised_model():
    """Q/DQ around a convolution; a second activation with a zero point of its own."""
    return model(
        [node("QuantizeLinear", ["x", "sx", "zx"], ["q"]),
         node("DequantizeLinear", ["q", "sx", "zx"], ["d"]),
         node("DequantizeLinear", ["w", "sw"], ["wf"], axis=0),
         node("Conv", ["d", "wf"], ["c"], kernel_shape=[1, 1]),
         node("QuantizeLinear", ["c", "sx", "z7"], ["q2"]),
         node("DequantizeLinear", ["q2", "sx", "z7"], ["y"])],
        [1, 2, 3, 3], [1, 2, 3, 3],
        {"sx": np.float32(0.05), "zx": np.int8(0), "z7": np.uint8(7),
         "w": RANDOM.integers(-127, 128, (2, 2, 1, 1)).astype(np.int8),
         "sw": np.array([0.01, 0.02], np.float32)})


MODELS = {"conv": conv_model, "residual": residual_model, "shape": shape_model,
          "attention": attention_model, "resize": resize_model, "quantised": quantised_model}


def engine_input(engine):
    """The fuzz target's form of an engine file: size of the blobs, blobs, metadata."""
    fields = struct.unpack_from("<8sII8Q", engine)
    metadata_offset, metadata_bytes, blobs_offset, blobs_bytes = (
        fields[4], fields[5], fields[7], fields[8])
    blobs = engine[blobs_offset:blobs_offset + blobs_bytes]
    metadata = engine[metadata_offset:metadata_offset + metadata_bytes]
    return struct.pack("<H", len(blobs)) + blobs + metadata


def write_models(xinfer, folder):
    for name, make in MODELS.items():
        built = make()
        path, engine = folder / f"{name}.onnx", folder / f"{name}.engine"
        onnx.save(built, path)
        write("onnx", name, b"\0" + path.read_bytes())
        write("onnx", f"{name}_free_batch", b"\1" + path.read_bytes())
        profile = ["--max-batch", "2"] if name in ("conv", "shape") else []
        if name == "residual":
            profile = ["--profile", "x:1x4x4x4,1x4x4x4,2x4x8x4"]
        run(xinfer, "build", path, "-o", engine, *profile)
        write("engine", name, engine_input(engine.read_bytes()))
        if name == "conv":
            write("engine", "whole_file", engine.read_bytes())
            write_int8(xinfer, folder, path)
            run(xinfer, "build", path, "--u8-input", "-o", engine)
            write("engine", "u8_input", engine_input(engine.read_bytes()))


def write_int8(xinfer, folder, path):
    samples, cache, engine = folder / "x.npy", folder / "cache.json", folder / "int8.engine"
    np.save(samples, normal(16, 3, 8, 8))
    run(xinfer, "calibrate", path, "--calib", samples, "-o", cache)
    write("json_cache", "conv", cache.read_bytes())
    run(xinfer, "build", path, "--int8", "--calib-cache", cache, "-o", engine)
    write("engine", "conv_int8", engine_input(engine.read_bytes()))
    text_cache = folder / "cache.txt"
    run(xinfer, "calibrate", path, "--calib", samples, "-o", text_cache)
    write("tensorrt_cache", "conv", text_cache.read_bytes())


def write_texts():
    write("tensorrt_cache", "names", "TRT-8601-EntropyCalibration2\n"
          "input: 3c010a14\nconv: 1 : weird: 3d0b7086\nzero: 0\nnan: 7fc00000\n")
    write("tensorrt_cache", "crlf", "TRT-101600-MinMaxCalibration\r\nx: 3c010a14\r\n\r\n")
    write("ir_text", "conv", """graph "net" opset 17 {
  input %x: float32[batch, 3, height, 32]
  constant %w: float32[2, 3, 1, 1] = [0.5, -1.25, 0.1, 3e-08, 1, -2]
  %q: uint8[batch, 3, height, 32] scale 0.02 = Quantize(%x)
  %y: float32[batch, 2, height, 32] = Conv(%x, %w, _) {kernel=[1, 1], strides=[1, 1], \
dilations=[1, 1], pads_begin=[0, 0], pads_end=[0, 0]} node "conv:1"
  %r: float32[batch, 2, height, 32] = Clip(%y) {low=0, high=6}
  output "y" = %r
}
""")
    write("ir_text", "reshape", """graph "shapes" opset 13 {
  input %"a b": float32[n, floordiv(h + 1, 2), 4]
  %flat: float32[n, 4 * floordiv(h + 1, 2)] = Reshape(%"a b") {shape=[n, 4 * floordiv(h + 1, 2)]}
  output "flat" = %flat
}
""")


def write_images(folder):
    def save(name, image, **options):
        path = folder / name
        image.save(path, **options)
        write("image", name, path.read_bytes())

    pixels = RANDOM.integers(0, 256, (7, 9, 3), np.uint8)
    rgb = Image.fromarray(pixels)
    save("rgb.png", rgb)
    save("gray.png", rgb.convert("L"))
    save("palette.png", rgb.convert("P", palette=Image.Palette.ADAPTIVE, colors=8))
    save("alpha.png", rgb.convert("RGBA"))
    save("gray16.png", Image.fromarray(RANDOM.integers(0, 65536, (5, 4), np.uint16)))
    save("baseline.jpg", rgb, quality=75)
    save("progressive.jpg", rgb, quality=60, progressive=True)
    save("gray.jpg", rgb.convert("L"))
    save("cmyk.jpg", rgb.convert("CMYK"))


def run(*command):
    subprocess.run([str(part) for part in command], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--xinfer", type=pathlib.Path, required=True)
    xinfer = parser.parse_args().xinfer.resolve()
    write_texts()
    with tempfile.TemporaryDirectory() as name:
        write_images(pathlib.Path(name))
        write_models(xinfer, pathlib.Path(name))


if __name__ == "__main__":
    main()
