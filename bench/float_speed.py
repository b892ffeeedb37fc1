#!/usr/bin/env python3
"""Latency: our INT8 beside our float32 beside OpenVINO's float32, in the same rounds.

    python bench/float_speed.py --xinfer build/release/tools/xinfer [--batch 1] [--threads 1] [--rounds 5]
        [--cpu-isa avx2] [--models … | --resnet50] [-o FILE]

--cpu-isa is ours alone, so OpenVINO is left out then. --resnet50 takes the ResNet-50 that bench/models writes.

Needs bench/requirements.txt and the data folder. In every round each variant runs for a slice of time, one after the
other; compared are minima, the least disturbed figures of a shared machine. Ranges do not matter for speed: INT8 is
calibrated by MinMax on 16 images.
"""
import dataclasses
import json
import math
import pathlib
import statistics
import sys
import tempfile
import time

import numpy as np
import openvino

import shared_models
from shared_models import MODELS

NETWORKS = ["mobilenetv2", "squeezenet1.1", "resnet18_trunk", "resnet56", "vit_tiny", "yolov5n", "yolox_nano", "fastestdet", "super_resolution"]
FIXED_BATCH = ["yolov5n", "yolox_nano", "fastestdet", "super_resolution"]


@dataclasses.dataclass(frozen=True)
class GeneratedResnet50(shared_models.Model):
    """The ResNet-50 of random weights that bench/models writes beside the engines."""

    folder: pathlib.Path = pathlib.Path()

    def path(self):
        file = self.folder / self.file
        if not file.exists():
            script = pathlib.Path(__file__).parent / "models" / "resnet50.py"
            shared_models.run([sys.executable, script, file])
        return file


def bench_ms(arguments, engine):
    command = [arguments.xinfer, "bench", engine, "--batch", arguments.batch, "--threads", arguments.threads,
               "--duration", arguments.slice_s, "--warmup", 0.05, "--json", "-"]  # fmt: skip
    if arguments.cpu_isa:
        command += ["--cpu-isa", arguments.cpu_isa]
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


def openvino_ms(run, slice_s):
    end, best = time.perf_counter() + slice_s, run()
    while time.perf_counter() < end:
        best = min(best, run())
    return best


def compare(arguments, name, work):
    """Least milliseconds of INT8, float32 and the peer (none where an instruction set is forced)."""
    model = MODELS[name] if name in MODELS else GeneratedResnet50(
        "resnet50.onnx", "crop=224," + shared_models.IMAGENET, folder=work)  # fmt: skip
    extra = () if name in FIXED_BATCH else ("--max-batch", max(32, arguments.batch))
    shared_models.build(arguments.xinfer, model, work / "fp32", extra=extra)
    shared_models.build(arguments.xinfer, model, work / "int8", "minmax", ("--calib-count", 16, *extra))
    variants = {"int8": lambda: bench_ms(arguments, work / "int8"), "fp32": lambda: bench_ms(arguments, work / "fp32")}
    if not arguments.cpu_isa:
        inspected = json.loads(shared_models.run([arguments.xinfer, "inspect", work / "fp32", "--json", "-"]))
        peer = openvino_float32(model, [arguments.batch, *inspected["inputs"][0]["opt"][1:]], arguments.threads)
        variants["peer"] = lambda: openvino_ms(peer, arguments.slice_s)
    times = {variant: [] for variant in variants}
    for _ in range(arguments.rounds):
        for variant, measure in variants.items():
            times[variant].append(measure())
    return {variant: min(values) for variant, values in times.items()}


def ratio(best, numerator, denominator):
    return best[numerator] / best[denominator] if numerator in best else None


def text(value):
    return "-" if value is None else f"{value:.2f}"


def geometric_mean(values):
    known = [math.log(value) for value in values if value is not None]
    return math.exp(statistics.fmean(known)) if known else None


def main():
    parser = shared_models.parser(__doc__)
    parser.add_argument("--models", nargs="+", choices=NETWORKS)
    parser.add_argument("--resnet50", action="store_true", help="the generated ResNet-50 instead")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--slice-s", type=float, default=0.4, help="seconds a variant and round")
    parser.add_argument("--cpu-isa", help="instruction set of ours")
    arguments = parser.parse_args()
    names = ["resnet50"] if arguments.resnet50 else arguments.models
    if names is None:
        names = [name for name in NETWORKS if arguments.batch == 1 or name not in FIXED_BATCH]
    table = shared_models.Table("model\tbatch\tthreads\tINT8 ms\tFP32 ms\tOpenVINO FP32 ms\tINT8 over FP32\tFP32 over OpenVINO")
    int8_ratios, peer_ratios = [], []
    for name in names:
        with tempfile.TemporaryDirectory() as work:
            best = compare(arguments, name, pathlib.Path(work))
        int8_ratios.append(ratio(best, "fp32", "int8"))
        peer_ratios.append(ratio(best, "peer", "fp32"))
        table.add(f"{name}\t{arguments.batch}\t{arguments.threads}\t{text(best['int8'])}\t{text(best['fp32'])}\t"
                  f"{text(best.get('peer'))}\t{text(int8_ratios[-1])}\t{text(peer_ratios[-1])}")
    table.add(f"geometric mean\t{arguments.batch}\t{arguments.threads}\t\t\t\t{text(geometric_mean(int8_ratios))}\t"
              f"{text(geometric_mean(peer_ratios))}")
    table.save(arguments.output)


if __name__ == "__main__":
    main()
