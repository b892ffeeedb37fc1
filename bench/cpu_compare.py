#!/usr/bin/env python3
"""INT8 engines beside ONNX Runtime and OpenVINO on the same cores, in the same rounds.

    PYTHON bench/cpu_compare.py --xinfer build/release/tools/xinfer --peers PEERS_FOLDER --data DATA_FOLDER \
        [--models mobilenetv2 …] [--threads 1 2] [--batches 1 32] [--cpu-isa avx512vnni] [-o bench/results/cpu_compare]

PYTHON has onnxruntime, openvino, nncf, onnx, numpy and pillow. PEERS_FOLDER holds cpu_peers.py, which prepares and
times the peers; ours is timed by `xinfer bench`. A round gives every variant a slice of time, one after the other, and
the order rotates, so that noise of a shared machine meets all alike. Compared are minima, medians are kept beside them.

Engines are built from the same calibration images where they are missing from --engines. Writes PREFIX.json (every
figure, machine, versions, command), PREFIX.md (table) and PREFIX.svg (speed over the best peer, cell by cell).
"""
import argparse
import importlib.util
import json
import math
import pathlib
import statistics
import subprocess
import sys
import time

IMAGENET = "mean=0.485:0.456:0.406,std=0.229:0.224:0.225"
OURS = "xinfer"
PEERS = ["ort_u8s8_minmax", "ov_int8", "ov_bf16"]
TRANSFORMER_PEERS = ["ort_core_minmax", "ov_int8", "ov_bf16"]  # see cpu_peers.py: the default operators break a ViT

# How images become inputs, for `xinfer build`; cpu_peers.py has the same per model.
PREPROCESS = {
    "mobilenetv2": "crop=224," + IMAGENET,
    "squeezenet1.1": "crop=224," + IMAGENET,
    "resnet18_trunk": "crop=224," + IMAGENET,
    "resnet56_cifar10": IMAGENET,
    "vit_tiny": "crop=224,mean=0.5,std=0.5",
    "yolox_nano": "resize=letterbox:416x416:topleft:114,color=bgr,scale=1",
}


def load_peers(folder):
    spec = importlib.util.spec_from_file_location("cpu_peers", folder / "cpu_peers.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["cpu_peers"] = module
    spec.loader.exec_module(module)
    return module


def engine_of(args, peers, name):
    """The model's engine; built if it is not there."""
    engine = args.engines / f"{name}.engine"
    if engine.exists() and not args.rebuild:
        return engine
    model = peers.MODELS[name]
    command = [args.xinfer, "build", args.data / "models" / model.file, "--int8", "--device", "cpu",
               "--max-batch", max(args.batches), "--calib", args.data / model.images / "calib", "--preprocess", PREPROCESS[name], "-o", engine]
    args.engines.mkdir(parents=True, exist_ok=True)
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)
    return engine


def prepare_peers(args, peers, name, variants):
    """Quantises what the peers need; returns the variants that could be built."""
    common = dict(model=name, data=str(args.data), work=str(args.work), isa="native")
    settings = argparse.Namespace(work=args.work, data=args.data, rebuild=args.rebuild)
    usable = []
    for variant in variants:
        built = peers.build_once(common, peers.stored_as(variant), settings)
        if "error" not in built:
            usable.append(variant)
    return usable


def bench_ours(args, engine, threads, batch, seconds):
    command = [args.xinfer, "bench", engine, "--batch", batch, "--threads", threads, "--duration", seconds,
               "--warmup", seconds / 4, "--json", "-"]
    if args.cpu_isa:
        command += ["--cpu-isa", args.cpu_isa]
    done = subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def compare_cell(args, peers, name, variants, threads, batch):
    """Rounds of one model, thread count and batch; runs in a process of its own, as the peers' threads stay."""
    import numpy as np

    if args.refuse_amx:
        peers.refuse_amx()
    job = dict(model=name, data=str(args.data), work=str(args.work), threads=threads)
    pixels, _ = peers.load_images(args.data, peers.MODELS[name], "calib", limit=batch)
    x = peers.to_input(pixels, peers.MODELS[name])[np.arange(batch) % len(pixels)]
    runners = {}
    for variant in variants:
        runners[variant] = peers.load_runner(job, variant, batch)
        runners[variant](x)
    engine = engine_of(args, peers, name)
    rounds = {variant: [] for variant in [OURS, *variants]}
    order = list(rounds)
    isa = ""
    for _ in range(args.rounds):
        for variant in order:
            time.sleep(0.02)  # lets the previous one's spinning threads go to sleep
            if variant == OURS:
                report = bench_ours(args, engine, threads, batch, args.slice_s)
                isa = report["cpu_isa"]
                rounds[variant].append((report["latency_ms"]["min"], report["latency_ms"]["median"]))
            else:
                times = peers.time_slice(runners[variant].run, args.slice_s)
                rounds[variant].append((1e3 * min(times), 1e3 * statistics.median(times)))
        order = order[1:] + order[:1]
    rows = {}
    for variant, measured in rounds.items():
        minima = [low for low, _ in measured]
        rows[variant] = dict(min_ms=min(minima), median_ms=statistics.median(m for _, m in measured),
                             round_spread=max(minima) / min(minima))
    return dict(model=name, threads=threads, batch=batch, cpu_isa=isa, rows=rows)


def run_cell(args, name, variants, threads, batch):
    """compare_cell in a child process."""
    command = [sys.executable, __file__, *sys.argv[1:], "--cell", json.dumps([name, variants, threads, batch])]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{name}, {threads} threads, batch {batch}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.rsplit("@@", 1)[1])


def ratio_to_best_peer(cell):
    """Best peer's time over ours: above 1 we are faster. Also the peer's name."""
    peers = {v: r["min_ms"] for v, r in cell["rows"].items() if v != OURS}
    best = min(peers, key=peers.get)
    return peers[best] / cell["rows"][OURS]["min_ms"], best


def geometric_mean(values):
    return math.exp(statistics.fmean(math.log(v) for v in values)) if values else float("nan")


def ratios_to(cells, prefix):
    """Our speed over the fastest variant whose name starts with `prefix`, for the cells that have one."""
    ratios = []
    for cell in cells:
        times = [r["min_ms"] for v, r in cell["rows"].items() if v.startswith(prefix)]
        if times:
            ratios.append(min(times) / cell["rows"][OURS]["min_ms"])
    return ratios


def table(cells):
    variants = sorted({v for cell in cells for v in cell["rows"] if v != OURS})
    lines = ["| model | threads | batch | " + " | ".join([OURS, *variants]) + " | over the best |",
             "| --- " * (len(variants) + 5) + "|"]
    for cell in cells:
        times = [f"{cell['rows'][v]['min_ms']:.2f}" if v in cell["rows"] else "" for v in [OURS, *variants]]
        ratio, best = ratio_to_best_peer(cell)
        lines.append(f"| {cell['model']} | {cell['threads']} | {cell['batch']} | " + " | ".join(times)
                     + f" | {ratio:.2f}× ({best}) |")
    for name, prefix in (("ONNX Runtime INT8", "ort_"), ("OpenVINO INT8", "ov_int8"), ("OpenVINO, better of INT8 and bf16", "ov_")):
        ratios = ratios_to(cells, prefix)
        if ratios:
            lines.append("")
            lines.append(f"Geometric mean over {name}: {geometric_mean(ratios):.2f}× ({len(ratios)} cells, least {min(ratios):.2f}×).")
    return "\n".join(lines) + "\n"


def plot(cells):
    """A bar a cell: our speed over the best peer's; the line is 1."""
    bar, left, width, top = 22, 250, 520, 40
    ratios = [ratio_to_best_peer(cell)[0] for cell in cells]
    scale = width / max(2.0, *ratios)
    height = top + bar * len(cells) + 20
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 70}" height="{height}" '
           'font-family="sans-serif" font-size="12">', '<rect width="100%" height="100%" fill="white"/>',
           f'<text x="10" y="20" font-size="14">Speed over the best of ONNX Runtime INT8, OpenVINO INT8 and bf16 ({cells[0]["cpu_isa"]})</text>']
    for i, (cell, ratio) in enumerate(zip(cells, ratios)):
        y = top + bar * i
        label = f"{cell['model']}, {cell['threads']} thr., batch {cell['batch']}"
        colour = "#2a7f62" if ratio >= 1 else "#c0504d"
        out.append(f'<text x="{left - 8}" y="{y + 15}" text-anchor="end">{label}</text>')
        out.append(f'<rect x="{left}" y="{y + 3}" width="{ratio * scale:.1f}" height="{bar - 6}" fill="{colour}"/>')
        out.append(f'<text x="{left + ratio * scale + 5:.1f}" y="{y + 15}">{ratio:.2f}×</text>')
    out.append(f'<line x1="{left + scale:.1f}" y1="{top}" x2="{left + scale:.1f}" y2="{height - 20}" stroke="black" stroke-dasharray="4 3"/>')
    return "\n".join([*out, "</svg>"]) + "\n"


def write(args, peers, cells):
    args.output.parent.mkdir(parents=True, exist_ok=True)
    machine = peers.describe_machine()
    command = "bench/cpu_compare.py " + " ".join(a for a in sys.argv[1:] if not a.startswith("/"))
    head = (f"{machine['cpu']} ({', '.join(machine['features'])}), {machine['cpus']} cores; "
            f"onnxruntime {machine['versions']['onnxruntime']}, openvino {machine['versions']['openvino']}; "
            f"{time.strftime('%Y-%m-%d')}. Minimum ms of {args.rounds} interleaved rounds of {args.slice_s} s; "
            f"our instruction set: {cells[0]['cpu_isa']}.\n\n")
    args.output.with_suffix(".json").write_text(json.dumps(dict(machine=machine, command=command, cells=cells), indent=1) + "\n")
    args.output.with_suffix(".md").write_text("# CPU: xinfer and its peers\n\n" + head + table(cells))
    args.output.with_suffix(".svg").write_text(plot(cells))


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--xinfer", type=pathlib.Path, required=True, help="the command-line tool")
    parser.add_argument("--peers", type=pathlib.Path, required=True, help="folder of cpu_peers.py")
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder of models/ and images/")
    parser.add_argument("--engines", type=pathlib.Path, default=pathlib.Path("/tmp/xinfer_engines"), help="cache of our engines")
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("/tmp/peers_work"), help="cache of the peers' models")
    parser.add_argument("--models", nargs="+", choices=list(PREPROCESS), default=list(PREPROCESS), metavar="NAME")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 32])
    parser.add_argument("--cpu-isa", help="instruction set of our engines; avx512vnni also takes AMX from the peers")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--slice-s", type=float, default=0.2, help="seconds a variant and round")
    parser.add_argument("--rebuild", action="store_true", help="build engines and the peers' models anew")
    parser.add_argument("-o", "--output", type=pathlib.Path, default=pathlib.Path("cpu_compare"), help="prefix of the results")
    parser.add_argument("--cell", help=argparse.SUPPRESS)
    args = parser.parse_args()
    args.refuse_amx = args.cpu_isa == "avx512vnni"
    return args


def main():
    args = parse_arguments()
    peers = load_peers(args.peers)
    if args.cell:
        name, variants, threads, batch = json.loads(args.cell)
        args.rebuild = False
        print("\n@@" + json.dumps(compare_cell(args, peers, name, variants, threads, batch)))
        return 0
    cells = []
    for name in args.models:
        model = peers.MODELS[name]
        engine_of(args, peers, name)
        variants = prepare_peers(args, peers, name, TRANSFORMER_PEERS if model.transformer else PEERS)
        for threads in args.threads:
            for batch in [1] if model.fixed_batch else args.batches:
                cells.append(run_cell(args, name, variants, threads, batch))
                ratio, best = ratio_to_best_peer(cells[-1])
                times = ", ".join(f"{v} {r['min_ms']:.2f}" for v, r in cells[-1]["rows"].items())
                print(f"{name} threads {threads} batch {batch}: {times}; {ratio:.2f}x {best}", flush=True)
                write(args, peers, cells)
    print(table(cells))
    return 0


if __name__ == "__main__":
    sys.exit(main())
