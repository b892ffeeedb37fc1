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


def evaluate(xinfer, name, engine, baseline=None):
    """The report of each evaluation folder of a model."""
    model, data = MODELS[name], shared_models.data_folder()
    for folder in model.eval:
        command = [xinfer, "eval", engine, "--data", data / folder, "--json", "-"]
        if baseline:
            command += ["--baseline", baseline]
        if model.labels:
            command += ["--labels", data / model.labels]
        yield json.loads(shared_models.run(command))


def mean(reports, value):
    """The mean of value(report), weighted by the number of labelled samples."""
    samples = sum(report["engine"]["samples"] for report in reports)
    return sum(report["engine"]["samples"] * value(report) for report in reports) / samples


def top1(reports, side="engine"):
    return mean(reports, lambda report: report[side]["top1_percent"])


def add_rows(table, arguments, name, work):
    """A line for every calibrator of one model. Without agreement, float32 runs once for all of them."""
    baseline, engine = work / "fp32", work / "int8"
    shared_models.build(arguments.xinfer, MODELS[name], baseline)
    if arguments.top1_only:
        fp32 = top1([*evaluate(arguments.xinfer, name, baseline)])
    for calibrator in arguments.calibrators:
        built = shared_models.build(arguments.xinfer, MODELS[name], engine, calibrator)
        reports = [*evaluate(arguments.xinfer, name, engine, None if arguments.top1_only else baseline)]
        agreement = sqnr = ""
        if not arguments.top1_only:
            fp32 = top1(reports, "baseline")
            agreement = f"{mean(reports, lambda report: report.get('agreement_percent', 0)):.2f}"
            sqnr = f"{min(report['outputs'][0]['sqnr_db'] for report in reports):.1f}"
        int8 = top1(reports)
        samples = sum(report["engine"]["samples"] for report in reports)
        table.add(
            f"{name}\t{calibrator}\t{samples}\t{fp32:.2f}\t{int8:.2f}\t{int8 - fp32:+.2f}\t{agreement}\t{sqnr}\t"
            f"{100 * built['int8_mac_share']:.1f}\t{built['calibration_seconds']:.1f}"
        )


def main():
    parser = shared_models.parser(__doc__)
    parser.add_argument("--models", nargs="+", default=LABELLED, choices=LABELLED)
    parser.add_argument("--calibrators", nargs="+", default=["auto"])
    parser.add_argument("--top1-only", action="store_true", help="no agreement and SQNR: several times as fast")
    arguments = parser.parse_args()
    heading = "model\tcalibrator\tsamples\tfp32 top-1 %\tint8 top-1 %\tdifference\tagreement %\toutput SQNR dB\tINT8 MACs %\tcalibration s"
    table = shared_models.Table(heading)
    with tempfile.TemporaryDirectory() as work:
        for name in arguments.models:
            add_rows(table, arguments, name, pathlib.Path(work))
    table.save(arguments.output)


if __name__ == "__main__":
    main()
