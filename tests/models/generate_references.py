"""Runs the trained models of the shared data folder in ONNX Runtime and writes what a C++ test compares with.

    generate_references.py DATA_FOLDER OUTPUT_FOLDER

Each sample gives a line of OUTPUT_FOLDER/manifest.tsv, samples of one model one after the other:

    <model file>  <input name>  <input.npy>  <output.npy of each output>…

Inputs are real images, stretched to the model's size (how they are fitted does not matter here: both sides read the
same array), and the first samples of Magika. Models with a free batch get two images. YOLOv5n's grids are constants for
640 x 640, so its free height and width are tried on a copy that ends before them.
"""

import argparse
import dataclasses
import pathlib

import numpy as np
import onnx
import onnxruntime
from PIL import Image


@dataclasses.dataclass(frozen=True)
class Prepared:
    """Sizes of the model's input (width, height), and what a pixel value is scaled and normalised by."""

    sizes: tuple
    batch: int = 2
    scale: float = 1 / 255
    mean: tuple = (0.0, 0.0, 0.0)
    std: tuple = (1.0, 1.0, 1.0)
    luma: bool = False


IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
MODELS = {
    "mobilenetv2.onnx": Prepared([(224, 224)], **IMAGENET),
    "squeezenet1.1.onnx": Prepared([(224, 224)], **IMAGENET),
    "vit_tiny_patch16_224.onnx": Prepared([(224, 224)], mean=(0.5,) * 3, std=(0.5,) * 3),
    "resnet18_trunk.onnx": Prepared([(224, 224)], **IMAGENET),
    "resnet56_cifar10.onnx": Prepared([(32, 32)], **IMAGENET),
    "yolov5n.onnx": Prepared([(640, 640)]),
    "yolox_nano.onnx": Prepared([(416, 416)], batch=1, scale=1.0),
    "fastestdet.onnx": Prepared([(352, 352)], batch=1),
    "super_resolution.onnx": Prepared([(224, 224)], luma=True),
    "magika_standard_v3_3.onnx": None,
}
YOLOV5N_HEADS = [f"/model/model.24/m.{i}/Conv_output_0" for i in range(3)]
YOLOV5N_TRUNK = Prepared([(320, 320), (416, 256), (192, 640)])


def image_input(images: list[pathlib.Path], prepared: Prepared, size: tuple) -> np.ndarray:
    """[N, C, H, W] float32."""
    samples = []
    for path in images[: prepared.batch]:
        image = Image.open(path).convert("L" if prepared.luma else "RGB").resize(size)
        pixels = np.atleast_3d(np.asarray(image, np.float32)) * np.float32(prepared.scale)
        channels = pixels.shape[2]
        mean, std = (np.array(v[:channels], np.float32) for v in (prepared.mean, prepared.std))
        samples.append(((pixels - mean) / std).transpose(2, 0, 1))
    return np.ascontiguousarray(np.stack(samples))


def write_references(model: pathlib.Path, inputs: list[np.ndarray], output: pathlib.Path) -> list[str]:
    """Runs the model on every input; returns the lines of the manifest."""
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    lines = []
    for i, sample in enumerate(inputs):
        files = []
        for j, array in enumerate([sample, *session.run(None, {name: sample})]):
            files.append(f"{model.stem}.{i}.{'input' if j == 0 else f'output_{j - 1}'}.npy")
            np.save(output / files[-1], array)
        lines.append("\t".join([str(model), name, *files]) + "\n")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    arguments = parser.parse_args()
    data, output = arguments.data.resolve(), arguments.output.resolve()
    output.mkdir(parents=True, exist_ok=True)
    images = sorted((data / "images" / "eval").glob("*/*"))
    lines = []
    for file, prepared in MODELS.items():
        if prepared is None:
            inputs = [np.load(data / "magika" / "inputs.npy")[:8]]
        else:
            inputs = [image_input(images, prepared, size) for size in prepared.sizes]
        lines += write_references(data / "models" / file, inputs, output)
    trunk = output / "yolov5n_trunk.onnx"
    onnx.utils.extract_model(str(data / "models" / "yolov5n.onnx"), str(trunk), ["images"], YOLOV5N_HEADS)
    inputs = [image_input(images, YOLOV5N_TRUNK, size) for size in YOLOV5N_TRUNK.sizes]
    lines += write_references(trunk, inputs, output)
    (output / "manifest.tsv").write_text("".join(lines))


if __name__ == "__main__":
    main()
