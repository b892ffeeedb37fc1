"""Builds: sources of samples, caches, options, progress, interruption, reports."""

import os
import signal
import subprocess
import sys
import threading
import traceback

import numpy as np
import pytest
import xinfer
from conftest import PREPROCESS


def ranges_of(model, calib, **options):
    info = xinfer.calibrate(model, calib, calibrator="minmax", **options)
    return {r.name: r.threshold for r in info.ranges}


def test_sources_give_the_same_ranges(conv_model, samples, tmp_path):
    expected = ranges_of(conv_model, samples)
    assert expected["x"] == pytest.approx(np.abs(samples).max())
    np.save(tmp_path / "samples.npy", samples)

    class Loader:
        def __iter__(self):
            return ((samples[i : i + 5], np.zeros(5)) for i in range(0, len(samples), 5))

    sources = {
        "batches": xinfer.Calibrator(samples, batch_size=7),
        "dict": {"x": samples},
        "iterable of dicts": [{"x": samples[:10]}, {"x": samples[10:]}],
        "loader with labels": Loader(),
        "generator": (samples[i : i + 1] for i in range(len(samples))),
        "file": tmp_path / "samples.npy",
    }
    for name, source in sources.items():
        assert ranges_of(conv_model, source) == expected, name


class Tracked:
    """A tensor as training leaves it, which gives its elements to nobody: on a device, with a gradient."""

    def __init__(self, array, device="gpu", gradient=True):
        self.array, self.device, self.gradient = array, device, gradient
        self.shape = array.shape

    def __len__(self):
        return len(self.array)

    def __getitem__(self, part):
        return Tracked(self.array[part], self.device, self.gradient)

    def detach(self):
        return Tracked(self.array, self.device, gradient=False)

    def cpu(self):
        return Tracked(self.array, "cpu", self.gradient)

    def __dlpack__(self, **options):
        if self.gradient or self.device != "cpu":
            raise BufferError(f"gradient {self.gradient}, device {self.device}")
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


def test_batches_with_nothing_but_dlpack(conv_model, samples):
    class Exporter:
        def __init__(self, array):
            self.array = array

        def __dlpack__(self, **options):
            return self.array.__dlpack__(**options)

        def __dlpack_device__(self):
            return self.array.__dlpack_device__()

    batches = [Exporter(samples[i : i + 6]) for i in range(0, len(samples), 6)]
    assert ranges_of(conv_model, xinfer.Calibrator(batches, count=8)) == ranges_of(conv_model, samples[:8])


def test_tensors_with_gradients_on_devices(conv_model, samples):
    batches = [[Tracked(samples[i : i + 4]), Tracked(np.zeros(4))] for i in range(0, len(samples), 4)]
    assert ranges_of(conv_model, batches) == ranges_of(conv_model, samples)
    assert ranges_of(conv_model, xinfer.Calibrator(Tracked(samples), count=5)) == ranges_of(conv_model, samples[:5])


def test_torch_data_loader(conv_model, samples):
    torch = pytest.importorskip("torch")
    data = torch.utils.data.TensorDataset(torch.from_numpy(samples), torch.zeros(len(samples)))
    assert ranges_of(conv_model, torch.utils.data.DataLoader(data, batch_size=4)) == ranges_of(conv_model, samples)


def test_two_inputs(two_input_model):
    a, b = np.ones((8, 6), np.float32), np.full((8, 4), 3, np.float32)
    found = ranges_of(two_input_model, {"a": a, "b": b})
    assert found["b"] == 3
    assert ranges_of(two_input_model, [(a, b)]) == found
    with pytest.raises(xinfer.InvalidArgumentError, match=r"no array for \['b'\]"):
        ranges_of(two_input_model, {"a": a})
    with pytest.raises(xinfer.InvalidArgumentError, match="differ in their number of samples"):
        ranges_of(two_input_model, {"a": a, "b": b[:3]})


def test_int8_is_close_to_float(conv_model, samples):
    int8 = xinfer.build(conv_model, calib=samples, max_batch=24)
    exact = xinfer.build(conv_model, max_batch=24)
    assert int8.int8_mac_share > 0.9 and exact.int8_mac_share == 0
    reference, tested = exact(samples), int8(samples)
    noise = np.sum((tested - reference) ** 2) / np.sum(reference**2)
    assert 10 * np.log10(1 / noise) > 25
    assert int8.report.calibration_samples == 24
    assert {layer.name: layer.precision for layer in int8.report.layers}["conv1"] == "int8"


def test_options(conv_model, samples):
    engine = xinfer.build(conv_model, calib=samples, keep={"conv1": "fp32"}, max_batch=2)
    assert {layer.name: layer.precision for layer in engine.layers}["conv1"] == "fp32"
    only = xinfer.build(conv_model, calib=samples, int8_only=["conv2"], max_batch=2)
    assert [layer.name for layer in only.layers if layer.precision == "int8"] == ["conv2"]
    ranged = xinfer.build(conv_model, calib=samples, ranges={"x": (-9, 9)}, max_batch=2)
    assert bytes(ranged) != bytes(xinfer.build(conv_model, calib=samples, max_batch=2))
    misspelt = xinfer.build(conv_model, calib=samples, keep={"con1": "fp32"}, int8_only=["conv*"], max_batch=2)
    assert [w for w in misspelt.report.warnings if "rule" in w] == [
        'the rule "con1" matches no node and no output of one'
    ]
    with pytest.raises(xinfer.InvalidArgumentError, match="toaster"):
        xinfer.build(conv_model, device="toaster")
    with pytest.raises(xinfer.InvalidArgumentError, match="threads is -1; needed: 0"):
        xinfer.build(conv_model, threads=-1)
    with pytest.raises(xinfer.InvalidArgumentError, match="needs calib"):
        xinfer.build(conv_model, int8=True)


def test_further_shapes(conv_model):
    expected = bytes(xinfer.build(conv_model, device="cpu"))
    for shapes in ((2, 3, 8, 8), np.array([2, 3, 8, 8]), [(1, 3, 8, 8), (2, 3, 8, 8)], []):
        assert bytes(xinfer.build(conv_model, device="cpu", shapes={"x": shapes})) == expected
    for shapes in ("1x3x8x8", 8, [1, (3, 8, 8)], [[]]):
        with pytest.raises(xinfer.InvalidArgumentError, match=r'shapes\["x"\] is .*; needed: a shape'):
            xinfer.build(conv_model, device="cpu", shapes={"x": shapes})
    with pytest.raises(xinfer.InvalidArgumentError, match='names input "y"'):
        xinfer.build(conv_model, device="cpu", shapes={"y": (1, 3, 8, 8)})


def test_a_calibrator_serves_several_builds(conv_model, samples):
    for data, count in ((samples, 0), ({"x": samples}, 10), (np.split(samples, 4), 10)):
        calibrator = xinfer.Calibrator(data, count=count)
        engines = [bytes(xinfer.build(conv_model, calib=calibrator, max_batch=2, device="cpu")) for _ in range(2)]
        assert engines[0] == engines[1]
        report = xinfer.build(conv_model, calib=calibrator, max_batch=2).report
        assert report.calibration_samples == (count or len(samples))
    once = xinfer.Calibrator(iter(np.split(samples, 4)))
    xinfer.build(conv_model, calib=once, max_batch=2)
    with pytest.raises(xinfer.InvalidArgumentError, match="calibration set is empty"):
        xinfer.build(conv_model, calib=once, max_batch=2)


def test_profiles(conv_model):
    engine = xinfer.build(conv_model, profiles={"x": ((1, 3, 8, 8), (2, 3, 8, 8), (6, 3, 8, 8))})
    assert engine.inputs[0].max[0] == 6 and engine.inputs[0].opt[0] == 2
    for wrong in ("1x3x8x8", (1, 3, 8), ((1, 3, 8, 8), (2, 3, 8, 8))):
        with pytest.raises(xinfer.InvalidArgumentError, match="needed: the smallest, the usual and the largest"):
            xinfer.build(conv_model, profiles={"x": wrong})


def test_cache_is_written_and_skips_the_batches(conv_model, samples, tmp_path):
    for name in ("ranges.json", "ranges.cache"):
        cache = tmp_path / name
        first = xinfer.build(conv_model, calib=samples, calib_cache=cache, max_batch=2)
        assert cache.exists() and first.report.calibration_samples == 24
        second = xinfer.build(conv_model, calib_cache=cache, max_batch=2)
        assert second.report.calibration_samples == 0
        np.testing.assert_array_equal(first(samples[:2]), second(samples[:2]))


def test_calibrator_cache(conv_model, samples, tmp_path):
    cache = tmp_path / "mine.cache"
    xinfer.build(conv_model, calib=xinfer.Calibrator(samples, cache=cache), max_batch=2)
    assert cache.read_bytes().startswith(b"TRT-")
    again = xinfer.build(conv_model, calib=xinfer.Calibrator(iter(()), cache=cache), max_batch=2)
    assert again.report.calibration_samples == 0 and again.int8_mac_share > 0.9


def test_count_limits_the_samples(conv_model, samples):
    limited = ranges_of(conv_model, xinfer.Calibrator(samples, batch_size=5, count=7))
    assert limited == ranges_of(conv_model, samples[:7])


def test_progress(conv_model, samples):
    seen = []
    xinfer.build(conv_model, calib=samples, progress=lambda *step: seen.append(step), max_batch=2)
    assert {stage for stage, _, _ in seen} >= {"import", "calibrate", "compile"}
    assert ("calibrate", 24, 24) in seen


def test_progress_bar(conv_model, samples, capsys):
    xinfer.build(conv_model, calib=samples, progress=True, max_batch=2)
    assert "calibrate: 100% |##############################| 24/24" in capsys.readouterr().err


class Broken(Exception):
    pass


def batches_that_break():
    yield np.zeros((1, 3, 8, 8), np.float32)
    raise Broken("the third disk is full")


def test_exception_in_a_callback_reaches_the_caller(conv_model):
    with pytest.raises(Broken, match="third disk") as caught:
        xinfer.build(conv_model, calib=batches_that_break())
    names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert "batches_that_break" in names

    def refuse(*_):
        raise Broken("no progress")

    with pytest.raises(Broken, match="no progress"):
        xinfer.build(conv_model, progress=refuse)


def test_bad_batches_are_named(conv_model, samples):
    with pytest.raises(xinfer.InvalidArgumentError, match='input "x".*float64'):
        xinfer.build(conv_model, calib=samples.astype(np.float64))
    with pytest.raises(xinfer.InvalidArgumentError, match='input "x"'):
        xinfer.build(conv_model, calib=samples[:, :, :4])
    with pytest.raises(xinfer.InvalidArgumentError, match="empty"):
        xinfer.build(conv_model, calib=[])
    with pytest.raises(xinfer.Error, match="NaN|finite"):
        xinfer.build(conv_model, calib=np.full_like(samples, np.nan))


def test_keyboard_interrupt_stops_a_build(conv_model, tmp_path):
    code = f"""
import signal, sys, numpy, xinfer
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
def forever():
    print("calibrating", flush=True)
    while True:
        yield numpy.ones((4, 3, 8, 8), numpy.float32)
try:
    xinfer.build({str(tmp_path / "m.onnx")!r}, {str(tmp_path / "m.engine")!r}, calib=forever(), max_batch=4)
except KeyboardInterrupt:
    sys.exit(7)
"""
    (tmp_path / "m.onnx").write_bytes(conv_model.SerializeToString())
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "calibrating\n"
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(timeout=60) == 7
    finally:
        process.kill()
    assert not (tmp_path / "m.engine").exists()


def test_other_threads_run_during_a_build(conv_model):
    running = threading.Event()
    done = threading.Event()

    def batches():
        for _ in range(50):
            running.set()
            yield np.ones((8, 3, 8, 8), np.float32)

    def build():
        xinfer.build(conv_model, calib=batches(), max_batch=8)
        done.set()

    worker = threading.Thread(target=build)
    worker.start()
    running.wait(30)
    counted = 0
    while not done.is_set():
        counted += 1
    worker.join()
    assert counted > 1


def test_evaluate(digits, digit_engine):
    found = xinfer.evaluate(digit_engine, digits / "eval", baseline=digits / "digits.onnx")
    assert found.engine.top1_percent > 95 and found.baseline.top1_percent > 95
    assert found.agreement_percent > 98 and found.outputs[0].sqnr_db > 15


def test_evaluate_arrays(conv_model, samples):
    engine = xinfer.build(conv_model, max_batch=8)
    labels = engine(samples[:8]).argmax(axis=1)
    assert xinfer.evaluate(engine, samples[:8], labels).engine.top1_percent == 100
    assert xinfer.evaluate(engine, samples[:8], (labels + 1) % 5).engine.top1_percent == 0
    with pytest.raises(xinfer.InvalidArgumentError, match="3 labels for 8 samples"):
        xinfer.evaluate(engine, samples[:8], [0, 1, 2])


def test_inspect(digits, digit_engine, tmp_path):
    model = xinfer.inspect(digits / "digits.onnx")
    assert isinstance(model, xinfer.ModelInfo) and model.nodes and model.weight_bytes > 0
    engine = xinfer.inspect(digit_engine)
    assert engine.preprocess and engine.int8_mac_share > 0.9 and engine.targets == digit_engine.targets
    assert all(layer.reason for layer in engine.layers)
    digit_engine.save(tmp_path / "digits.engine")
    assert xinfer.inspect(tmp_path / "digits.engine") == engine
    written = xinfer.calibrate(
        digits / "digits.onnx", digits / "calib", tmp_path / "digits.json", preprocess=PREPROCESS
    )
    assert xinfer.inspect(tmp_path / "digits.json") == written and written.samples == 100
    (tmp_path / "text").write_text("nothing of the kind")
    with pytest.raises(xinfer.InvalidArgumentError, match="no calibration cache"):
        xinfer.inspect(tmp_path / "text")
