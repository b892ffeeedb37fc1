#!/usr/bin/env python3
"""INT8 against float32 where accuracy is not a top-1: best class of the detectors, PSNR of the super-resolution.

    /opt/venv/bin/python bench/tasks.py --xinfer build/release/tools/xinfer [--calibrator auto] [-o FILE]

Needs numpy and pillow, and the data folder (XINFER_DATA, default ../shared/data). Detectors: over all boxes, the class
with the best score must be the expected one (detection_expected.tsv). Super-resolution: 20 images of images/eval,
brought to 672 x 672 luma, are shrunk by 3 (bicubic) and restored; PSNR against the 672 x 672 original.
"""
import pathlib
import tempfile

import numpy as np
from PIL import Image

import shared_models
from shared_models import MODELS

EXPECTED_AT_LEAST = {"yolov5n": 19, "yolox_nano": 21, "fastestdet": 17}
PSNR_LOSS_AT_MOST = 0.3
SUPER_RESOLVED = 20


def yolo_scores(output):
    """[N, boxes, 4 + 1 + classes] to the best score a class: [N, classes]."""
    return (output[..., 4:5] * output[..., 5:]).max(axis=1)


def fastestdet_scores(output):
    """[N, 1 + 4 + classes, rows, columns]: objectness^0.6 * class^0.4, best over all cells."""
    score = output[:, 0:1] ** 0.6 * output[:, 5:] ** 0.4
    return score.reshape(*score.shape[:2], -1).max(axis=2)


SCORES = {"yolov5n": yolo_scores, "yolox_nano": yolo_scores, "fastestdet": fastestdet_scores}


def expected_classes():
    """Paths of the images and the index of the class that is expected in each."""
    data = shared_models.data_folder()
    classes = (data / "coco_classes.txt").read_text().split("\n")
    rows = [line.split("\t") for line in (data / "detection_expected.tsv").read_text().splitlines()[1:]]
    return [data / image for image, _ in rows], np.array([classes.index(name) for _, name in rows])


def sqnr_db(reference, output):
    noise = np.square(output.astype(np.float64) - reference).sum()
    return 10 * np.log10(np.square(reference.astype(np.float64)).sum() / noise) if noise > 0 else float("inf")


def outputs_of(arguments, engine, inputs, work):
    """The first output for every input, by the xinfer command."""
    shared_models.run([arguments.xinfer, "run", engine, *inputs, "-o", work / "out.npz"])
    arrays = np.load(work / "out.npz")
    return arrays[arrays.files[0]]


def engines(arguments, name, work):
    """Paths of the float32 and the INT8 engine of a model, and the INT8 share of its multiply-accumulates."""
    model = MODELS[name]
    shared_models.build(arguments.xinfer, model, work / "fp32")
    report = shared_models.build(arguments.xinfer, model, work / "int8", arguments.calibrator)
    return work / "fp32", work / "int8", 100 * report["int8_mac_share"]


def judge_detector(arguments, name, work):
    fp32, int8, share = engines(arguments, name, work)
    images, expected = expected_classes()
    reference, output = (outputs_of(arguments, engine, images, work) for engine in (fp32, int8))
    best_fp32, best_int8 = (SCORES[name](x).argmax(axis=1) for x in (reference, output))
    right = [int((best == expected).sum()) for best in (best_fp32, best_int8)]
    agreement = int((best_fp32 == best_int8).sum())
    verdict = "ok" if right[1] >= EXPECTED_AT_LEAST[name] else "MISSED"
    return (f"{name}\tbest class right of {len(expected)}\t{right[0]}\t{right[1]}\t>= {EXPECTED_AT_LEAST[name]}\t"
            f"{verdict}\t{sqnr_db(reference, output):.1f}\t{share:.1f}\tsame class {agreement}")


def super_resolution_pairs():
    """Luma in 0..1: originals [N, 672, 672] and the inputs [N, 1, 224, 224] shrunk from them."""
    paths = sorted((shared_models.data_folder() / "images/eval").glob("*/*"))
    originals, inputs = [], []
    for path in paths[:: len(paths) // SUPER_RESOLVED][:SUPER_RESOLVED]:
        luma = Image.open(path).convert("RGB").convert("YCbCr").split()[0].resize((672, 672), Image.BICUBIC)
        originals.append(np.asarray(luma, np.float32) / 255)
        inputs.append(np.asarray(luma.resize((224, 224), Image.BICUBIC), np.float32)[None] / 255)
    return np.stack(originals), np.stack(inputs)


def mean_psnr_db(originals, restored):
    errors = np.square(np.clip(restored[:, 0], 0, 1).astype(np.float64) - originals).mean(axis=(1, 2))
    return float((-10 * np.log10(errors)).mean())


def judge_super_resolution(arguments, work):
    fp32, int8, share = engines(arguments, "super_resolution", work)
    originals, inputs = super_resolution_pairs()
    np.save(work / "inputs.npy", inputs)
    reference, output = (outputs_of(arguments, engine, [work / "inputs.npy"], work) for engine in (fp32, int8))
    psnr = [mean_psnr_db(originals, x) for x in (reference, output)]
    verdict = "ok" if psnr[1] >= psnr[0] - PSNR_LOSS_AT_MOST else "MISSED"
    return (f"super_resolution\tPSNR dB, {SUPER_RESOLVED} images\t{psnr[0]:.2f}\t{psnr[1]:.2f}\t"
            f">= fp32 - {PSNR_LOSS_AT_MOST}\t{verdict}\t{sqnr_db(reference, output):.1f}\t{share:.1f}\t")


def main():
    parser = shared_models.parser(__doc__)
    parser.add_argument("--models", nargs="+", choices=[*SCORES, "super_resolution"], default=[*SCORES, "super_resolution"])
    parser.add_argument("--calibrator", default="auto")
    arguments = parser.parse_args()
    table = shared_models.Table("model\tmeasure\tfp32\tint8\tbar\tverdict\toutput SQNR dB\tINT8 MACs %\tnote")
    for name in arguments.models:
        with tempfile.TemporaryDirectory() as folder:
            work = pathlib.Path(folder)
            table.add(judge_detector(arguments, name, work) if name in SCORES else judge_super_resolution(arguments, work))
    table.save(arguments.output)


if __name__ == "__main__":
    main()
