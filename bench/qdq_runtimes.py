#!/usr/bin/env python3
"""Accuracy of exported Q/DQ models in ONNX Runtime and OpenVINO beside our own INT8 engine, on the same arrays.

    python3 bench/qdq_runtimes.py [--models …] [--count N] [--controls] [-o bench/results/qdq_runtimes.tsv]

Images are read with Pillow once; `xinfer.build` and `xinfer.quantize` take the same calibration arrays, and every
runtime the same inputs. Lines a model: top-1 of our engine; of the Q/DQ model built into an engine of ours, in ONNX
Runtime, and in OpenVINO, whose float layers stay in float32. `--controls` adds the float32 model, OpenVINO's own choice
for float layers (bfloat16 where the processor has it), and ONNX Runtime without its optimisations, which differs from
itself by float rounding alone. "turned" counts images on which a line and our
engine are not both right or both wrong; their square root over the images is the standard error of the distance.
Needs the xinfer package, bench/requirements.txt and the data folder (XINFER_DATA, default ../shared/data).
"""

import argparse
import pathlib
import tempfile

import numpy as np
import onnxruntime
import openvino
import shared_models
import xinfer
from PIL import Image

MODELS = ("mobilenetv2", "squeezenet1.1", "resnet56", "vit_tiny")
BATCH = 25
OURS = "xinfer engine"


def labelled_images(model, folders):
    """Paths and class indices, class by class."""
    data = shared_models.data_folder()
    table = {}
    if model.labels:
        rows = (line.split("\t") for line in (data / model.labels).read_text().splitlines())
        table = {row[0]: int(row[1]) for row in rows if len(row) > 1 and row[1].isdigit()}
    for folder in folders:
        classes = sorted(path for path in (data / folder).iterdir() if path.is_dir())
        for index, path in enumerate(classes):
            for image in sorted(path.iterdir()):
                yield image, table.get(path.name, index)


def setting(model, key, default):
    """Numbers of a key of the model's preprocessing."""
    for word in model.preprocess.split(","):
        name, _, value = word.partition("=")
        if name == key:
            return [float(part) for part in value.split(":")]
    return default


def load(model, path):
    """An image as the model wants it: RGB, cropped in the middle, normalised, CHW."""
    image = Image.open(path).convert("RGB")
    (crop,) = setting(model, "crop", [0])
    if crop:
        left, top = (image.width - int(crop)) // 2, (image.height - int(crop)) // 2
        image = image.crop((left, top, left + int(crop), top + int(crop)))
    pixels = np.asarray(image, np.float32) / 255
    pixels = (pixels - np.float32(setting(model, "mean", [0]))) / np.float32(setting(model, "std", [1]))
    return np.ascontiguousarray(pixels.transpose(2, 0, 1), np.float32)


def onnx_runtime(path, optimised=True):
    """A function from a batch to scores."""
    settings = onnxruntime.SessionOptions()
    settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if not optimised:
        settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda batch: session.run(None, {name: batch})[0]


def open_vino(path, settings):
    compiled = openvino.Core().compile_model(str(path), "CPU", settings)
    return lambda batch: compiled(batch)[compiled.output(0)]


def runners(model, work, controls):
    """By name functions from a batch to scores; OURS is what the others are compared with."""
    samples = np.stack([load(model, path) for path, _ in labelled_images(model, [model.calib])])
    cache, quantised = work / "ranges.json", work / "qdq.onnx"
    ours = xinfer.build(model.path(), calib=samples, calib_cache=cache, max_batch=BATCH, device="cpu")
    xinfer.quantize(model.path(), quantised, calib_cache=cache, max_batch=BATCH)
    found = {
        OURS: ours,
        "Q/DQ in xinfer": xinfer.build(quantised, max_batch=BATCH, device="cpu"),
        "Q/DQ in ONNX Runtime": onnx_runtime(quantised),
        "Q/DQ in OpenVINO": open_vino(quantised, {"INFERENCE_PRECISION_HINT": "f32"}),
    }
    if controls:
        found |= {
            "control: float32": onnx_runtime(model.path()),
            "control: Q/DQ in OpenVINO, its choice of float type": open_vino(quantised, {}),
            "control: Q/DQ in ONNX Runtime, not optimised": onnx_runtime(quantised, optimised=False),
        }
    return found


def judge(name, count, work, controls):
    """By runtime: for every image whether the best class is the right one."""
    model = shared_models.MODELS[name]
    found = runners(model, work, controls)
    right = {runtime: [] for runtime in found}
    images = list(labelled_images(model, model.eval))[: count or None]
    for start in range(0, len(images), BATCH):
        part = images[start : start + BATCH]
        batch, labels = np.stack([load(model, path) for path, _ in part]), np.array([label for _, label in part])
        for runtime, run in found.items():
            right[runtime].append(np.argmax(np.asarray(run(batch)), axis=1) == labels)
    return {runtime: np.concatenate(parts) for runtime, parts in right.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=MODELS, choices=MODELS)
    parser.add_argument("--count", type=int, default=0, help="images at most; 0 is all")
    parser.add_argument("--controls", action="store_true", help="also run what shows the effect of rounding alone")
    parser.add_argument("-o", "--output", type=pathlib.Path)
    options = parser.parse_args()
    table = shared_models.Table("model\truntime\timages\tright\t%\tdistance to the engine\tturned\tstandard error")
    for name in options.models:
        with tempfile.TemporaryDirectory() as work:
            right = judge(name, options.count, pathlib.Path(work), options.controls)
        for runtime, hits in right.items():
            turned, points = int((hits != right[OURS]).sum()), 100 / len(hits)
            distance = points * (int(hits.sum()) - int(right[OURS].sum()))
            table.add(
                f"{name}\t{runtime}\t{len(hits)}\t{hits.sum()}\t{points * hits.sum():.2f}\t{distance:+.2f}\t{turned}\t"
                f"{points * turned**0.5:.2f}"
            )
    table.save(options.output)


if __name__ == "__main__":
    main()
