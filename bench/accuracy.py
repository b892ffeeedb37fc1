#!/usr/bin/env python3
"""Accuracy of INT8 engines against float32 on the shared models, through the xinfer command alone.

    python3 bench/accuracy.py --xinfer build/release/tools/xinfer [--calibrators auto minmax …] [--models …] \
        [-o bench/results/accuracy.tsv]

Calibrates on the calibration folder, judges on the evaluation folders (never the other way round), and writes a line a
model and calibrator: top-1 of both, their difference, agreement of the best class, output SQNR, INT8 share. Needs the
data folder (XINFER_DATA, default ../shared/data); says so and stops without it.
"""
import json
import pathlib
import tempfile

import shared_models
from shared_models import MODELS

LABELLED = [name for name, model in MODELS.items() if model.eval]


def judge(xinfer, name, baseline, calibrator, work):
    """Builds one engine and evaluates it; sums weighted by the number of labelled samples."""
    model, data = MODELS[name], shared_models.data_folder()
    engine = work / "engine"
    built = shared_models.build(xinfer, model, engine, calibrator)
    samples = int8 = fp32 = agreement = 0.0
    sqnr = []
    for folder in model.eval:
        command = [xinfer, "eval", engine, "--data", data / folder, "--baseline", baseline, "--json", "-"]
        if model.labels:
            command += ["--labels", data / model.labels]
        report = json.loads(shared_models.run(command))
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
    parser = shared_models.parser(__doc__)
    parser.add_argument("--models", nargs="+", default=LABELLED, choices=LABELLED)
    parser.add_argument("--calibrators", nargs="+", default=["auto"])
    arguments = parser.parse_args()
    heading = "model\tcalibrator\tsamples\tfp32 top-1 %\tint8 top-1 %\tdifference\tagreement %\toutput SQNR dB\tINT8 MACs %\tcalibration s"
    table = shared_models.Table(heading)
    with tempfile.TemporaryDirectory() as work:
        for name in arguments.models:
            baseline = pathlib.Path(work) / "fp32"
            shared_models.build(arguments.xinfer, MODELS[name], baseline)
            for calibrator in arguments.calibrators:
                r = judge(arguments.xinfer, name, baseline, calibrator, pathlib.Path(work))
                table.add(
                    f"{name}\t{calibrator}\t{r['samples']}\t{r['fp32']:.2f}\t{r['int8']:.2f}\t{r['int8'] - r['fp32']:+.2f}\t"
                    f"{r['agreement']:.2f}\t{r['sqnr']:.1f}\t{r['mac_share']:.1f}\t{r['calibration_seconds']:.1f}"
                )
    table.save(arguments.output)


if __name__ == "__main__":
    main()
