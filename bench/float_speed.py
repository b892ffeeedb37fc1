#!/usr/bin/env python3
"""Latency of the CNNs at batch 1: our INT8 beside our float32 beside OpenVINO's float32, in the same rounds.

    python bench/float_speed.py --xinfer build/release/tools/xinfer [--threads 1] [--rounds 5] [--models …] [-o FILE]

Needs bench/requirements.txt and the data folder. In every round each variant runs for a slice of time, one after the
other; compared are minima, the least disturbed figures of a shared machine. Ranges do not matter for speed: INT8 is
calibrated by MinMax on 16 images.
"""
import json
import pathlib
import tempfile
import time

import numpy as np
import openvino

import shared_models
from shared_models import MODELS

CNNS = ["mobilenetv2", "squeezenet1.1", "resnet18_trunk", "resnet56", "yolov5n", "yolox_nano", "fastestdet", "super_resolution"]
SLICE_S = 0.4


def bench_ms(xinfer, engine, threads):
    command = [xinfer, "bench", engine, "--batch", 1, "--threads", threads, "--duration", SLICE_S, "--warmup", 0.05, "--json", "-"]
    return json.loads(shared_models.run(command))["latency_ms"]["min"]


def openvino_float32(model, shape, threads):
    """A call that times one inference, in ms."""
    network = openvino.Core().read_model(model.path())
    network.reshape(shape)
    compiled = openvino.compile_model(network, "CPU", {
        "PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": "1", "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": "f32", "ENABLE_CPU_PINNING": False})  # fmt: skip
    request = compiled.create_infer_request()
    request.set_input_tensor(openvino.Tensor(np.random.default_rng(1).random(shape, np.float32)))

    def run():
        start = time.perf_counter()
        request.infer()
        return 1e3 * (time.perf_counter() - start)

    return run


def openvino_ms(run):
    end, best = time.perf_counter() + SLICE_S, run()
    while time.perf_counter() < end:
        best = min(best, run())
    return best


def compare(arguments, name, work):
    model = MODELS[name]
    shared_models.build(arguments.xinfer, model, work / "fp32")
    shared_models.build(arguments.xinfer, model, work / "int8", "minmax", ("--calib-count", 16))
    inspected = json.loads(shared_models.run([arguments.xinfer, "inspect", work / "fp32", "--json", "-"]))
    shape = [1, *inspected["inputs"][0]["opt"][1:]]
    peer = openvino_float32(model, shape, arguments.threads)
    best = {"int8": [], "fp32": [], "peer": []}
    for _ in range(arguments.rounds):
        best["int8"].append(bench_ms(arguments.xinfer, work / "int8", arguments.threads))
        best["fp32"].append(bench_ms(arguments.xinfer, work / "fp32", arguments.threads))
        best["peer"].append(openvino_ms(peer))
    int8, fp32, peer = (min(values) for values in best.values())
    return (f"{name}\t{arguments.threads}\t{int8:.2f}\t{fp32:.2f}\t{peer:.2f}\t{fp32 / int8:.2f}\t{peer / fp32:.2f}\t"
            f"{'ok' if int8 < fp32 and peer / fp32 >= 0.5 else 'MISSED'}")


def main():
    parser = shared_models.parser(__doc__)
    parser.add_argument("--models", nargs="+", choices=CNNS, default=CNNS)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    table = shared_models.Table("model\tthreads\tINT8 ms\tFP32 ms\tOpenVINO FP32 ms\tINT8 over FP32 (bar > 1)\tFP32 over OpenVINO (bar 0.5)\tverdict")
    for name in arguments.models:
        with tempfile.TemporaryDirectory() as work:
            table.add(compare(arguments, name, pathlib.Path(work)))
    table.save(arguments.output)


if __name__ == "__main__":
    main()
