"""The xinfer command as a user runs it: build, run, eval, bench, calibrate, inspect, compare, devices, and its errors."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

XINFER, DIGITS = sys.argv[1], pathlib.Path(sys.argv[2])
PREPROCESS = "color=gray,mean=0.5,std=0.5"


def xinfer(*arguments, code=0):
    done = subprocess.run([XINFER, *map(str, arguments)], capture_output=True, text=True, timeout=300)
    assert done.returncode == code, f"{arguments}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


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
        for verb in ("build", "run", "eval", "bench", "calibrate", "inspect", "compare"):
            self.assertIn("Example", xinfer(verb, "--help").stdout)

    def test_errors(self):
        def error(*arguments):
            return xinfer(*arguments, code=1).stderr

        self.assertIn("--int8 needs --calib", error("build", self.model, "--int8", "-o", self.work / "x"))
        self.assertIn("/nowhere", error("run", "/nowhere", "a.png"))
        self.assertIn("not an xinfer engine", error("bench", self.model))
        self.assertIn("supports: cpu", error("build", self.model, "--device", "tpu", "-o", self.work / "x"))
        self.assertIn("needed: PATTERN=fp32", error("build", self.model, "--keep", "a=int4", "-o", self.work / "x"))
        self.assertIn("is no shape", error("build", self.model, "--profile", "image:1xa,2,3", "-o", self.work / "x"))
        xinfer("frobnicate", code=1)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
