#!/usr/bin/env python3
"""Engines on a GPU beside PyTorch's compiled FP16 models on the same GPU, in the same rounds.

    python3 bench/gpu_compare.py --xinfer build/release/tools/xinfer --engines FOLDER -o bench/results/gpu_compare \
        [--models resnet50 …] [--batches 1 8 32 128 256] [--precisions int8 fp16] [--rounds 3]

Needs PyTorch and torchvision with CUDA. FOLDER holds MODEL.PRECISION.engine, built from the models that bench/models
writes (`xinfer build MODEL.onnx --int8 --fp16 … --device cuda`). Both sides replay a CUDA graph on random inputs that
are on the device already, and are timed by events: ours by `xinfer bench --no-transfers`, the peer (channels-last
FP16, torch.compile with frozen weights) here. A round times every variant once, one after the other; the median round
counts. Writes PREFIX.json (every figure, device, versions, command) and PREFIX.md (table).
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import time

import torch
import torchvision

TORCH_NAMES = {"resnet50": "resnet50", "mobilenetv2": "mobilenet_v2", "vit_b16": "vit_b_16"}


def captured(call):
    """A CUDA graph of one call, warmed up on a stream of its own."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.no_grad(), torch.cuda.stream(stream):
        for _ in range(4):
            call()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.no_grad(), torch.cuda.graph(graph):
        call()
    return graph


class Peer:
    """One compiled model at one batch."""

    def __init__(self, name, batch):
        torch._dynamo.reset()
        model = getattr(torchvision.models, TORCH_NAMES[name])().eval().cuda().half()
        self.model = torch.compile(model.to(memory_format=torch.channels_last))
        shape = (batch, 3, 224, 224)
        self.input = torch.randn(shape, device="cuda", dtype=torch.float16).to(memory_format=torch.channels_last)
        self.graph = captured(lambda: self.model(self.input))

    def milliseconds(self, duration):
        """Median over groups of replays, each group long enough that its events' own time is lost in it."""
        self.graph.replay()
        torch.cuda.synchronize()
        times, replays, stop = [], 10, time.monotonic() + duration
        while time.monotonic() < stop or len(times) < 5:
            start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            start.record()
            for _ in range(replays):
                self.graph.replay()
            end.record()
            end.synchronize()
            times.append(start.elapsed_time(end) / replays)
        return statistics.median(times)


class Ours:
    """One engine at one batch."""

    def __init__(self, xinfer, engine, batch):
        self.command = [xinfer, "bench", engine, "--device", "cuda", "--batch", batch, "--no-transfers", "--json", "-"]

    def milliseconds(self, duration):
        command = self.command + ["--warmup", duration / 3, "--duration", duration]
        run = subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True)
        return json.loads(run.stdout)["latency_ms"]["median"]


def variants_of(args, name, batch):
    variants = {}
    for precision in args.precisions:
        engine = args.engines / f"{name}.{precision}.engine"
        if engine.exists():
            variants[f"xinfer {precision}"] = Ours(args.xinfer, engine, batch)
    if not args.no_peer:
        variants["PyTorch fp16"] = Peer(name, batch)
    return variants


def measure(args):
    rows = []
    for name in args.models:
        for batch in args.batches:
            variants = variants_of(args, name, batch)
            rounds = {label: [] for label in variants}
            for number in range(args.rounds):
                order = list(variants)
                for label in order[number % len(order):] + order[:number % len(order)]:
                    rounds[label].append(variants[label].milliseconds(args.duration))
            row = {"model": name, "batch": batch, "ms": {label: statistics.median(t) for label, t in rounds.items()},
                   "rounds": rounds}
            rows.append(row)
            print(name, batch, {label: round(ms, 4) for label, ms in row["ms"].items()}, flush=True)
            del variants
            torch.cuda.empty_cache()
    return rows


def table(rows, head):
    labels = list(dict.fromkeys(label for row in rows for label in row["ms"]))
    peer = next((label for label in labels if label.startswith("PyTorch")), None)
    lines = [f"<!-- {head} -->", "", "| model | batch | " + " | ".join(f"{label}, img/s" for label in labels) + " |",
             "| --- | --- |" + " --- |" * len(labels)]
    for row in rows:
        cells = []
        for label in labels:
            if label not in row["ms"]:
                cells.append("")
                continue
            speed = 1e3 * row["batch"] / row["ms"][label]
            ratio = f" ({row['ms'][peer] / row['ms'][label]:.2f}×)" if peer in row["ms"] and label != peer else ""
            cells.append(f"{speed:,.0f}{ratio}")
        lines.append(f"| {row['model']} | {row['batch']} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--xinfer", type=pathlib.Path, required=True)
    parser.add_argument("--engines", type=pathlib.Path, required=True)
    parser.add_argument("--models", nargs="+", choices=TORCH_NAMES, default=list(TORCH_NAMES))
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 8, 32, 128, 256])
    parser.add_argument("--precisions", nargs="+", default=["int8", "fp16"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--duration", type=float, default=0.4, help="seconds of each measurement")
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True, help="PREFIX of the files to write")
    args = parser.parse_args()
    import torch._inductor.config
    torch._inductor.config.freezing = True
    torch.backends.cudnn.benchmark = True
    rows = measure(args)
    head = f"{torch.cuda.get_device_name()}, PyTorch {torch.__version__}, {time.strftime('%Y-%m-%d')}"
    document = {"device": torch.cuda.get_device_name(), "torch": torch.__version__, "cudnn": torch.backends.cudnn.version(),
                "command": [pathlib.Path(sys.argv[0]).name] + sys.argv[1:], "rows": rows}
    args.output.with_suffix(".json").write_text(json.dumps(document, indent=1) + "\n")
    args.output.with_suffix(".md").write_text(table(rows, head))
    print(table(rows, head))


if __name__ == "__main__":
    main()
