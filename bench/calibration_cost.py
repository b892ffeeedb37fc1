#!/usr/bin/env python3
"""Time and memory of calibrating MobileNetV2: xinfer beside ONNX Runtime's MinMax, two threads each.

    python bench/calibration_cost.py --xinfer build/release/tools/xinfer [--rounds 3] [--memory] [-o FILE]

Needs bench/requirements.txt and the data folder. Time: the 200 calibration images as arrays (no decoding on either
side), rounds interleaved; wall and processor seconds of the whole process less those of a process that only imports.
Memory: peak resident size of `xinfer calibrate` on the JPEG folder, and on the same images ten times over.
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

import shared_models
from shared_models import MODELS

MODEL = MODELS["mobilenetv2"]
THREADS = 2


def calibrate_in_onnx_runtime(inputs):
    """What quantize_static does to calibrate, on arrays; run in a process of its own."""
    import onnxruntime
    from onnxruntime import quantization
    from onnxruntime.quantization import calibrate

    class Reader(quantization.CalibrationDataReader):
        def __init__(self):
            self.samples = iter(np.load(inputs, mmap_mode="r"))

        def get_next(self):
            sample = next(self.samples, None)
            return None if sample is None else {"input": sample[None]}

    class TwoThreads(onnxruntime.SessionOptions):  # create_inference_session makes its own options
        def __init__(self):
            super().__init__()
            self.intra_op_num_threads = THREADS

    onnxruntime.SessionOptions = TwoThreads
    start, start_cpu = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as work:
        calibrator = calibrate.create_calibrator(
            str(MODEL.path()), calibrate_method=quantization.CalibrationMethod.MinMax,
            augmented_model_path=f"{work}/augmented.onnx")  # fmt: skip
        calibrator.collect_data(Reader())
        calibrator.compute_data()
    print(time.perf_counter() - start, time.process_time() - start_cpu)


def measured(command):
    """Wall seconds, processor seconds and peak MiB of a command."""
    start = time.perf_counter()
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{command}: status {status}")
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def calibrate_command(xinfer, samples, calibrator, cache, extra=()):
    return [xinfer, "calibrate", MODEL.path(), "--calib", samples, "--calibrator", calibrator,
            "--threads", THREADS, "-o", cache, *extra]  # fmt: skip


def time_rounds(arguments, work):
    from trunk_sqnr import images  # the same preprocessing

    np.save(work / "inputs.npy", images(MODEL.calib, 200))
    times = {}
    for _ in range(arguments.rounds):
        for calibrator in arguments.calibrators:
            command = calibrate_command(arguments.xinfer, work / "inputs.npy", calibrator, work / "cache.json")
            times.setdefault(f"xinfer {calibrator}", []).append(measured(command)[:2])
        done = shared_models.run([sys.executable, __file__, "--onnx-runtime", work / "inputs.npy"])
        times.setdefault("ONNX Runtime minmax", []).append(tuple(map(float, done.split()[-2:])))
    for name, pairs in times.items():
        wall, cpu = (min(values) for values in zip(*pairs))
        yield f"{name}\t200\t{wall:.1f}\t{cpu:.1f}\t"


def memory_rows(arguments, work):
    paths = sorted((shared_models.data_folder() / MODEL.calib).glob("*/*"))
    for copies in (1, 10):
        folder = work / f"images{copies}"
        folder.mkdir()
        for i in range(copies):
            for path in paths:
                (folder / f"{i}_{path.name}").symlink_to(path)
        extra = ("--preprocess", MODEL.preprocess)
        wall, cpu, peak = measured(calibrate_command(arguments.xinfer, folder, "auto", work / "cache.json", extra))
        yield f"xinfer auto, JPEG folder\t{copies * len(paths)}\t{wall:.1f}\t{cpu:.1f}\t{peak:.0f}"


def main():
    parser = shared_models.parser(__doc__)
    parser.add_argument("--calibrators", nargs="+", default=["auto", "minmax", "entropy2"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", action="store_true", help="also measure peak memory")
    arguments = parser.parse_args()
    table = shared_models.Table("tool\timages\tminimum wall s\tminimum processor s\tpeak MiB")
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        rows = [*time_rounds(arguments, work)]
        if arguments.memory:
            rows += memory_rows(arguments, work)
    for row in rows:
        table.add(row)
    table.save(arguments.output)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--onnx-runtime"]:  # the child process of time_rounds
        calibrate_in_onnx_runtime(sys.argv[2])
    else:
        main()
