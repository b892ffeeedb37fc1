#!/usr/bin/env python3
"""What Python adds: to one run of an engine, and to the build of ResNet-50 by a TensorRT script.

    python3 bench/python_cost.py --xinfer build/release/tools/xinfer [--rounds 3] [--samples 100] [-o FILE]

The first figure is the time of `engine(array)` for an engine that does next to nothing, less the time that
`xinfer bench` gives for the same engine. The second compares, in interleaved rounds, `xinfer build --int8
--calibrator entropy2` on a file of random samples [N, 3, 224, 224] with tests/python/scripts/int8_resnet50.py
under `python -m xinfer.tensorrt` on the same file, whole processes both. Minima of the rounds. Needs the xinfer
package.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
import shared_models
import xinfer
from onnx import TensorProto, helper

ROOT = pathlib.Path(__file__).resolve().parent.parent
CALLS, CALL_ROUNDS = 5000, 40
BATCH = 4
DRIVER = """
import sys
sys.path.insert(0, {scripts!r})
import int8_resnet50
import numpy as np
engine = int8_resnet50.build_engine("resnet50.onnx", np.load("samples.npy", mmap_mode="r"), batch_size={batch})
with open("script.engine", "wb") as file:
    file.write(engine.serialize())
"""


def tiny_engine(path):
    """A ReLU of 16 numbers."""
    shape = [1, 16]
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])],
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    engine = xinfer.build(model, threads=1, device="cpu")
    engine.save(path)
    return engine


def microseconds(call):
    started = time.perf_counter()
    for _ in range(CALLS):
        call()
    return (time.perf_counter() - started) / CALLS * 1e6


def call_overhead(command, work):
    engine = tiny_engine(work / "tiny.engine")
    x, y = np.ones((1, 16), np.float32), np.empty((1, 16), np.float32)
    forms = {
        "one array": lambda: engine(x),
        "a list": lambda: engine([x]),
        "a dict": lambda: engine({"x": x}),
        "one array, out given": lambda: engine(x, out=y),
    }
    report = json.loads(
        shared_models.run([command, "bench", work / "tiny.engine", "--threads", 1, "--duration", 1, "--json", "-"])
    )
    native = 1e3 * report["latency_ms"]["min"]
    found = {name: [] for name in forms}
    for _ in range(CALL_ROUNDS):
        for name, call in forms.items():
            found[name].append(microseconds(call))
    return native, {name: min(times) for name, times in found.items()}


def seconds(command, work):
    started = time.perf_counter()
    done = subprocess.run([str(word) for word in command], cwd=work, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stdout + done.stderr)
    return time.perf_counter() - started


def build_times(command, rounds, samples, work):
    subprocess.run([sys.executable, ROOT / "bench" / "models" / "resnet50.py", work / "resnet50.onnx"], check=True)
    np.save(work / "samples.npy", np.random.default_rng(7).random((samples, 3, 224, 224), np.float32))
    driver = work / "driver.py"
    driver.write_text(DRIVER.format(scripts=str(ROOT / "tests" / "python" / "scripts"), batch=BATCH))
    build = [pathlib.Path(command).resolve(), "build", "resnet50.onnx", "-o", "command.engine"]
    build += ["--int8", "--device", "cpu"]
    build += ["--calib", "samples.npy", "--calibrator", "entropy2", "--max-batch", BATCH]
    script = [sys.executable, "-m", "xinfer.tensorrt", driver]
    times = {"command": [], "script": []}
    for _ in range(rounds):
        times["command"].append(seconds(build, work))
        times["script"].append(seconds(script, work))
    return {name: min(found) for name, found in times.items()}


def main():
    parser = shared_models.parser(__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--samples", type=int, default=100)
    options = parser.parse_args()
    table = shared_models.Table("measured\tvalue\tunit")
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        native, calls = call_overhead(options.xinfer, work)
        table.add(f"C++ run of the tiny engine\t{native:.2f}\tus")
        for form, found in calls.items():
            table.add(f"overhead of Engine.run, {form}\t{found - native:.2f}\tus")
        times = build_times(options.xinfer, options.rounds, options.samples, work)
        for name, found in times.items():
            table.add(f"ResNet-50, {options.samples} samples, batch {BATCH}: {name}\t{found:.2f}\ts")
        table.add(f"script against command\t{100 * (times['script'] / times['command'] - 1):+.1f}\t%")
    table.save(options.output)


if __name__ == "__main__":
    main()
