#!/usr/bin/env python3
"""Accuracy of exported Q/DQ models in ONNX Runtime and OpenVINO beside our own INT8 engine, on the same arrays.

    python3 bench/qdq_runtimes.py [--models …] [--count N] [-o bench/results/qdq_runtimes.tsv]

Images are read with Pillow once; `xinfer.build` and `xinfer.quantize` take the same calibration arrays, and every
runtime the same inputs. A line a model: top-1 of the float32 model, of our engine, and of the Q/DQ model in both
runtimes. Needs the xinfer package, bench/requirements.txt and the data folder (XINFER_DATA, default ../shared/data).
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


def runners(model, work):
    """Functions from a batch to scores: float32, our engine, the Q/DQ model in two runtimes."""
    samples = np.stack([load(model, path) for path, _ in labelled_images(model, [model.calib])])
    ours = xinfer.build(model.path(), calib=samples, max_batch=BATCH, device="cpu")
    quantised = work / "qdq.onnx"
    xinfer.quantize(model.path(), quantised, calib=samples, max_batch=BATCH)
    settings = onnxruntime.SessionOptions()
    settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
    sessions = [
        onnxruntime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])
        for path in (model.path(), quantised)
    ]
    compiled = openvino.Core().compile_model(str(quantised), "CPU")

    def session_run(session):
        name = session.get_inputs()[0].name
        return lambda batch: session.run(None, {name: batch})[0]

    return {
        "float32": session_run(sessions[0]),
        "xinfer": ours,
        "ONNX Runtime": session_run(sessions[1]),
        "OpenVINO": lambda batch: compiled(batch)[compiled.output(0)],
    }


def judge(name, count, work):
    model = shared_models.MODELS[name]
    found = runners(model, work)
    right, total = dict.fromkeys(found, 0), 0
    images = list(labelled_images(model, model.eval))[: count or None]
    for start in range(0, len(images), BATCH):
        part = images[start : start + BATCH]
        batch, labels = np.stack([load(model, path) for path, _ in part]), np.array([label for _, label in part])
        total += len(part)
        for runtime, run in found.items():
            right[runtime] += int((np.argmax(np.asarray(run(batch)), axis=1) == labels).sum())
    return {runtime: 100 * hits / total for runtime, hits in right.items()}, total


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=MODELS, choices=MODELS)
    parser.add_argument("--count", type=int, default=0, help="images at most; 0 is all")
    parser.add_argument("-o", "--output", type=pathlib.Path)
    options = parser.parse_args()
    table = shared_models.Table(
        "model\timages\tfloat32 %\txinfer engine %\tQ/DQ in ONNX Runtime %\tQ/DQ in OpenVINO %\tlargest distance to the engine"
    )
    for name in options.models:
        with tempfile.TemporaryDirectory() as work:
            top1, total = judge(name, options.count, pathlib.Path(work))
        distance = max(abs(top1[runtime] - top1["xinfer"]) for runtime in ("ONNX Runtime", "OpenVINO"))
        table.add(f"{name}\t{total}\t" + "\t".join(f"{value:.2f}" for value in top1.values()) + f"\t{distance:.2f}")
    table.save(options.output)


if __name__ == "__main__":
    main()
