#!/usr/bin/env python3
"""Accuracy of INT8 engines against float32 on the shared models, through the xinfer command alone.

    python3 bench/accuracy.py --xinfer build/release/tools/xinfer [--calibrators auto minmax …] [--models …] \
        [-o bench/results/accuracy.tsv]

Calibrates on the calibration folder, judges on the evaluation folders (never the other way round), and writes a line a
model and calibrator: top-1 of both, their difference, agreement of the best class, output SQNR, INT8 share. Needs the
data folder (XINFER_DATA, default ../shared/data); says so and stops without it.
"""
import argparse
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import tempfile

IMAGENET = "mean=0.485:0.456:0.406,std=0.229:0.224:0.225"


@dataclasses.dataclass(frozen=True)
class Model:
    """A model, how its images are prepared, and where it is calibrated and judged."""

    file: str
    preprocess: str
    calib: str = "images/calib"
    eval: tuple = ("images/eval", "images/val1300")
    labels: str = "labels.tsv"


MODELS = {
    "mobilenetv2": Model("mobilenetv2.onnx", "crop=224," + IMAGENET),
    "squeezenet1.1": Model("squeezenet1.1.onnx", "crop=224," + IMAGENET),
    "vit_tiny": Model("vit_tiny_patch16_224.onnx", "crop=224,mean=0.5,std=0.5"),
    "resnet18_trunk": Model("resnet18_trunk.onnx", "crop=224," + IMAGENET, eval=("images/eval",)),
    "resnet56": Model("resnet56_cifar10.onnx", IMAGENET, "cifar10/calib", ("cifar10/eval",), ""),
    "magika": Model("magika_standard_v3_3.onnx", "", "magika/inputs.npy", ("magika/inputs.npy",), "magika/labels.tsv"),
}


def run(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")
    return json.loads(done.stdout)


def judge(xinfer, data, model, calibrator, work):
    """Builds one engine and evaluates it; sums weighted by the number of labelled samples."""
    engine = str(work / "engine")
    onnx = str(data / "models" / model.file)
    command = [xinfer, "build", onnx, "--int8", "--calib", str(data / model.calib), "--calibrator", calibrator]
    if model.preprocess:
        command += ["--preprocess", model.preprocess]
    built = run(command + ["-o", engine, "--json", "-"])
    samples = int8 = fp32 = agreement = 0.0
    sqnr = []
    for folder in model.eval:
        command = [xinfer, "eval", engine, "--data", str(data / folder), "--baseline", onnx, "--json", "-"]
        if model.labels:
            command += ["--labels", str(data / model.labels)]
        report = run(command)
        n = report["engine"]["samples"]
        samples += n
        int8 += n * report["engine"]["top1_percent"]
        fp32 += n * report["baseline"]["top1_percent"]
        agreement += n * report.get("agreement_percent", 0)
        sqnr.append(report["outputs"][0]["sqnr_db"])
    return {
        "samples": int(samples),
        "fp32": fp32 / samples,
        "int8": int8 / samples,
        "agreement": agreement / samples,
        "sqnr": min(sqnr),
        "mac_share": 100 * built["int8_mac_share"],
        "calibration_seconds": built["calibration_seconds"],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--xinfer", required=True, help="the xinfer command")
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--calibrators", nargs="+", default=["auto"])
    parser.add_argument("-o", "--output", type=pathlib.Path)
    arguments = parser.parse_args()
    root = pathlib.Path(__file__).resolve().parent.parent
    data = pathlib.Path(os.environ.get("XINFER_DATA", root.parent / "shared" / "data"))
    if not data.is_dir():
        sys.exit(f"{data}: no such folder; set XINFER_DATA to the folder of models and images")
    heading = "model\tcalibrator\tsamples\tfp32 top-1 %\tint8 top-1 %\tdifference\tagreement %\toutput SQNR dB\tINT8 MACs %\tcalibration s"
    lines = [heading]
    print(heading, flush=True)
    with tempfile.TemporaryDirectory() as work:
        for name in arguments.models:
            for calibrator in arguments.calibrators:
                r = judge(arguments.xinfer, data, MODELS[name], calibrator, pathlib.Path(work))
                line = (
                    f"{name}\t{calibrator}\t{r['samples']}\t{r['fp32']:.2f}\t{r['int8']:.2f}\t{r['int8'] - r['fp32']:+.2f}\t"
                    f"{r['agreement']:.2f}\t{r['sqnr']:.1f}\t{r['mac_share']:.1f}\t{r['calibration_seconds']:.1f}"
                )
                lines.append(line)
                print(line, flush=True)
    if arguments.output:
        arguments.output.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
