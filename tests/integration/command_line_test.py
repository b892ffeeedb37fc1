"""The xinfer command as a user runs it: every verb, its help, JSON, progress, memory and errors."""
import array
import json
import os
import pathlib
import pty
import subprocess
import sys
import tempfile
import unittest

XINFER, DIGITS = sys.argv[1], pathlib.Path(sys.argv[2])
PREPROCESS = "color=gray,mean=0.5,std=0.5"
VERBS = ("build", "run", "eval", "bench", "calibrate", "quantize", "inspect", "compare", "devices")


def xinfer(*arguments, code=0):
    done = subprocess.run([XINFER, *map(str, arguments)], capture_output=True, text=True, timeout=300)
    assert done.returncode == code, f"{arguments}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def on_terminal(*arguments):
    """What a successful command shows on a terminal as progress."""
    master, slave = pty.openpty()
    process = subprocess.Popen([XINFER, *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=slave)
    os.close(slave)
    shown = b""
    while True:
        try:
            shown += os.read(master, 65536)
        except OSError:  # the terminal's other side is closed
            break
    os.close(master)
    assert process.wait() == 0, shown
    return shown.decode()


def peak_kilobytes(*arguments):
    """Largest resident size of a successful command."""
    process = subprocess.Popen([XINFER, *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, process.returncode, usage = os.wait4(process.pid, 0)
    assert process.returncode == 0, arguments
    return usage.ru_maxrss


def write_samples(path, count):
    """A .npy file of `count` samples for the digits model."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({count}, 1, 8, 8), }}".ljust(117) + "\n"
    values = array.array("f", ((i * 37 % 201 - 100) / 100 for i in range(64 * 101)))
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode())
        for first in range(0, count, 101):
            file.write(values[: 64 * min(101, count - first)].tobytes())


class CommandLine(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.work = pathlib.Path(cls.folder.name)
        cls.model = DIGITS / "digits.onnx"
        cls.int8 = cls.work / "int8.engine"
        cls.built = json.loads(
            xinfer(
                "build", cls.model, "--int8", "--calib", DIGITS / "calib", "--preprocess", PREPROCESS, "--max-batch", 8,
                "--calib-cache", cls.work / "digits.cache", "-o", cls.int8, "--json", "-",
            ).stdout
        )  # fmt: skip

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_build_reports(self):
        self.assertEqual(self.built["schema"], "xinfer.build/1")
        self.assertEqual(self.built["calibration_samples"], 100)
        self.assertGreater(self.built["int8_mac_share"], 0.95)
        self.assertTrue(all(layer["reason"] for layer in self.built["layers"]))

    def test_same_inputs_give_same_bytes(self):
        again = self.work / "again.engine"
        xinfer("build", self.model, "--int8", "--calib-cache", self.work / "digits.cache", "--preprocess", PREPROCESS,
               "--max-batch", 8, "-o", again)  # fmt: skip
        third = self.work / "third.engine"
        xinfer("build", self.model, "--int8", "--calib-cache", self.work / "digits.cache", "--preprocess", PREPROCESS,
               "--max-batch", 8, "-o", third)  # fmt: skip
        self.assertEqual(again.read_bytes(), third.read_bytes())

    def test_run_finds_the_digit(self):
        image = sorted((DIGITS / "eval" / "7").glob("*.png"))[0]
        report = json.loads(xinfer("run", self.int8, image, "--json", "-").stdout)
        self.assertEqual(report["samples"][0]["top"][0]["class"], 7)
        output = self.work / "scores.npy"
        xinfer("run", self.int8, image, "-o", output)
        self.assertTrue(output.read_bytes().startswith(b"\x93NUMPY"))

    def test_eval_against_a_model_or_an_engine(self):
        report = json.loads(
            xinfer("eval", self.int8, "--data", DIGITS / "eval", "--baseline", self.model, "--layers", "--json", "-").stdout
        )
        self.assertEqual(report["engine"]["samples"], 500)
        self.assertGreaterEqual(report["engine"]["top1_percent"], report["baseline"]["top1_percent"] - 0.5)
        self.assertTrue(report["layers"])
        fp32 = self.work / "fp32.engine"
        xinfer("build", self.model, "--max-batch", 8, "-o", fp32)
        same = json.loads(xinfer("eval", self.int8, "--data", DIGITS / "eval", "--baseline", fp32, "--json", "-").stdout)
        self.assertEqual(same["baseline"]["top1_percent"], report["baseline"]["top1_percent"])
        self.assertEqual(same["outputs"], report["outputs"])

    def test_bench_and_layers(self):
        report = json.loads(
            xinfer("bench", self.int8, "--duration", 0.2, "--warmup", 0, "--streams", 2, "--layers", "--json", "-").stdout
        )
        self.assertGreater(report["runs"], 0)
        self.assertTrue(report["steps"])

    def test_calibrate_and_inspect(self):
        cache = self.work / "ranges.json"
        xinfer("calibrate", self.model, "--calib", DIGITS / "calib", "--preprocess", PREPROCESS, "-o", cache)
        report = json.loads(xinfer("inspect", cache, "--json", "-").stdout)
        self.assertEqual(report["samples"], 100)
        self.assertIn("image", [value["name"] for value in report["values"]])
        self.assertIn("reason", xinfer("inspect", self.int8, "--layers").stdout)
        self.assertIn("digits", xinfer("inspect", self.model, "--layers").stdout)

    def test_compare(self):
        report = json.loads(
            xinfer("compare", self.int8, self.model, "--data", DIGITS / "eval", "--count", 50, "--json", "-").stdout
        )
        self.assertGreater(report["agreement_percent"], 95)

    def test_devices(self):
        self.assertIn("portable", xinfer("devices").stdout)

    def test_help_has_examples(self):
        for verb in VERBS:
            self.assertIn(f"Example:\n  xinfer {verb}", xinfer(verb, "--help").stdout)
            self.assertIn(f"  {verb} ", xinfer("--help").stdout)
        self.assertRegex(xinfer("--version").stdout, r"^xinfer \d+\.\d+\.\d+\n$")

    def test_quantize(self):
        model = self.work / "qdq.onnx"
        report = json.loads(
            xinfer("quantize", self.model, "--calib", DIGITS / "calib", "--preprocess", PREPROCESS, "-o", model,
                   "--json", "-").stdout
        )  # fmt: skip
        self.assertEqual(report["model_bytes"], model.stat().st_size)
        self.assertGreater(report["int8_mac_share"], 0.95)
        self.assertIn(b"QuantizeLinear", model.read_bytes())

    def test_u8_input(self):
        engine = self.work / "u8.engine"
        xinfer("build", self.model, "--int8", "--calib", DIGITS / "calib", "--preprocess", PREPROCESS, "--max-batch", 8,
               "--device", "cpu", "--u8-input", "-o", engine)  # fmt: skip
        found = json.loads(xinfer("inspect", engine, "--json", "-").stdout)
        self.assertEqual(found["inputs"][0]["dtype"], "uint8")
        self.assertEqual(found["inputs"][0]["max"], [8, 8, 8, 1])
        self.assertEqual(found["properties"]["u8_input"], "nchw")
        # The same images, and a baseline that reads them as the engine does.
        report = json.loads(
            xinfer("eval", engine, "--data", DIGITS / "eval", "--baseline", self.model, "--count", 50, "--json", "-").stdout
        )
        self.assertEqual(report["engine"]["samples"], 50)
        self.assertGreater(report["agreement_percent"], 95)

    def test_json_goes_to_a_file_or_replaces_the_text(self):
        image = sorted((DIGITS / "eval" / "7").glob("*.png"))[0]
        data = ("--data", DIGITS / "eval", "--count", 10)
        samples = ("--calib", DIGITS / "calib", "--preprocess", PREPROCESS)
        commands = {
            "xinfer.build/1": ("build", self.model, "-o", self.work / "a.engine"),
            "xinfer.run/1": ("run", self.int8, image),
            "xinfer.eval/1": ("eval", self.int8, *data),
            "xinfer.bench/1": ("bench", self.int8, "--duration", 0.05, "--warmup", 0),
            "xinfer.calibrate/1": ("calibrate", self.model, *samples, "-o", self.work / "a.cache"),
            "xinfer.quantize/1": ("quantize", self.model, *samples, "-o", self.work / "a.onnx"),
            "xinfer.inspect.engine/1": ("inspect", self.int8),
            "xinfer.inspect.model/1": ("inspect", self.model),
            "xinfer.inspect.cache/1": ("inspect", self.work / "digits.cache"),
            "xinfer.compare/1": ("compare", self.int8, self.model, *data),
            "xinfer.devices/1": ("devices",),
        }
        self.assertEqual({schema.split("/")[0].split(".")[1] for schema in commands}, set(VERBS))
        for schema, command in commands.items():
            self.assertEqual(json.loads(xinfer(*command, "--json", "-").stdout)["schema"], schema)
            document = self.work / "result.json"
            text = xinfer(*command, "--json", document).stdout
            self.assertEqual(json.loads(document.read_text())["schema"], schema)
            self.assertTrue(text.strip(), f"{command}: no text beside the file")
            self.assertNotIn("schema", text)

    def test_progress(self):
        samples = self.work / "many.npy"
        write_samples(samples, 30000)
        command = ("calibrate", self.model, "--calib", samples, "--calibrator", "minmax", "-o", self.work / "p.cache")
        shown = on_terminal(*command)
        self.assertRegex(shown, r"calibrate +\[#+\.+\] \d+/30000 \d+\.\d s, \d+ s left")
        self.assertRegex(shown, r"calibrate +\[#{30}\] 30000/30000 \d+\.\d s\r?\n")
        piped = xinfer(*command).stderr
        self.assertRegex(piped, r"(?m)^calibrate: 30000 in \d+\.\d s$")
        self.assertNotIn("\r", piped)
        fast = {
            "evaluate": ("eval", self.int8, "--data", DIGITS / "eval"),
            "run": ("run", self.int8, DIGITS / "eval" / "7"),
            "compile": ("build", self.model, "-o", self.work / "p.engine"),
        }
        for stage, command in fast.items():
            self.assertRegex(on_terminal(*command), rf"{stage} +\[#{{30}}\] (\d+)/\1 ")

    @unittest.skipIf("XINFER_SANITIZED" in os.environ, "a sanitizer keeps what was freed")
    def test_memory_does_not_grow_with_the_samples(self):
        images = sorted((DIGITS / "calib").glob("**/*.png"))
        peaks = []
        for copies in (1, 10):
            folder = self.work / f"images{copies}"
            folder.mkdir()
            for copy in range(copies):
                for image in images:
                    (folder / f"{copy}_{image.parent.name}_{image.name}").symlink_to(image.resolve())
            peaks.append(
                peak_kilobytes("calibrate", self.model, "--calib", folder, "--preprocess", PREPROCESS,
                               "-o", self.work / "memory.cache")
            )  # fmt: skip
        self.assertLess(peaks[1], 1.1 * peaks[0])

    def test_every_instruction_set_gives_equal_outputs(self):
        image = sorted((DIGITS / "eval" / "7").glob("*.png"))[0]
        outputs = set()
        for isa in json.loads(xinfer("devices", "--json", "-").stdout)["cpu"]["isas"]:
            xinfer("run", self.int8, image, "--cpu-isa", isa, "-o", self.work / "isa.npy")
            outputs.add((self.work / "isa.npy").read_bytes())
        self.assertEqual(len(outputs), 1)

    def test_damaged_engines_are_named(self):
        good = self.int8.read_bytes()
        damages = {
            "truncated": good[: len(good) // 2],
            "engine format 99": good[:8] + bytes([99]) + good[9:],
            "do not match their hash": good[:-100] + bytes([good[-100] ^ 1]) + good[-99:],
            "not an xinfer engine": b"PK\x03\x04" * 1000,
        }
        for message, data in damages.items():
            engine = self.work / "damaged.engine"
            engine.write_bytes(data)
            for verb in ("bench", "inspect"):
                self.assertIn(message, xinfer(verb, engine, code=1).stderr)

    def test_errors(self):
        def error(*arguments):
            return xinfer(*arguments, code=1).stderr

        self.assertIn("--int8 needs --calib", error("build", self.model, "--int8", "-o", self.work / "x"))
        self.assertIn("/nowhere", error("run", "/nowhere", "a.png"))
        self.assertIn("not an xinfer engine", error("bench", self.model))
        self.assertIn("supports: cpu", error("build", self.model, "--device", "tpu", "-o", self.work / "x"))
        self.assertIn("needed: PATTERN=fp32", error("build", self.model, "--keep", "a=int4", "-o", self.work / "x"))
        self.assertIn("is no shape", error("build", self.model, "--profile", "image:1xa,2,3", "-o", self.work / "x"))
        self.assertIn("/dev/full: cannot write", error("build", self.model, "-o", self.work / "x", "--json", "/dev/full"))
        self.assertIn("/nowhere/x: cannot", error("build", self.model, "-o", "/nowhere/x"))
        image = sorted((DIGITS / "eval" / "7").glob("*.png"))[0]
        self.assertIn("needed: .npz", error("run", self.int8, image, "-o", self.work / "scores.txt"))
        xinfer("frobnicate", code=1)
        for verb in VERBS:
            xinfer(verb, "--frobnicate", code=1)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
