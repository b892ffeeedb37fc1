"""The ten models of the shared data folder: how their samples are prepared, where they are calibrated and judged.

Used by the scripts of this folder; see the data folder's README for where the models come from.
"""
import argparse
import dataclasses
import json
import os
import pathlib
import subprocess
import sys

IMAGENET = "mean=0.485:0.456:0.406,std=0.229:0.224:0.225"
YOLOV5_SHAPE = "1x3x640x640"


@dataclasses.dataclass(frozen=True)
class Model:
    """A model of the data folder. `eval` is empty where accuracy is not top-1 over labelled samples."""

    file: str
    preprocess: str
    calib: str = "images/calib"
    eval: tuple = ()
    labels: str = "labels.tsv"
    flags: tuple = ()  # of xinfer build

    def path(self):
        return data_folder() / "models" / self.file


CLASSIFIED = ("images/eval", "images/val1300")

MODELS = {
    "mobilenetv2": Model("mobilenetv2.onnx", "crop=224," + IMAGENET, eval=CLASSIFIED),
    "squeezenet1.1": Model("squeezenet1.1.onnx", "crop=224," + IMAGENET, eval=CLASSIFIED),
    "vit_tiny": Model("vit_tiny_patch16_224.onnx", "crop=224,mean=0.5,std=0.5", eval=CLASSIFIED),
    "resnet18_trunk": Model("resnet18_trunk.onnx", "crop=224," + IMAGENET, eval=("images/eval",)),
    "resnet56": Model("resnet56_cifar10.onnx", IMAGENET, "cifar10/calib", ("cifar10/eval",), ""),
    "yolov5n": Model(
        "yolov5n.onnx",
        "resize=letterbox:640x640:topleft",
        flags=("--profile", f"images:{YOLOV5_SHAPE},{YOLOV5_SHAPE},{YOLOV5_SHAPE}"),
    ),
    "yolox_nano": Model("yolox_nano.onnx", "resize=letterbox:416x416:topleft,color=bgr,scale=1"),
    "fastestdet": Model("fastestdet.onnx", "resize=352x352,color=bgr"),
    "super_resolution": Model("super_resolution.onnx", "crop=224,color=gray"),
    "magika": Model(
        "magika_standard_v3_3.onnx", "", "magika/inputs.npy", ("magika/inputs.npy",), "magika/labels.tsv"
    ),
}


def data_folder():
    """XINFER_DATA, or ../shared/data beside the checkout; ends the script where there is none."""
    root = pathlib.Path(__file__).resolve().parent.parent
    data = pathlib.Path(os.environ.get("XINFER_DATA", root.parent / "shared" / "data"))
    if not data.is_dir():
        sys.exit(f"{data}: no such folder; set XINFER_DATA to the folder of models and images")
    return data


def parser(description):
    """The options of every script: the command to measure and where the result goes."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--xinfer", required=True, help="the xinfer command")
    made.add_argument("-o", "--output", type=pathlib.Path, help="also write the table to this file")
    return made


class Table:
    """Lines of tab-separated fields, printed as they come and written together."""

    def __init__(self, heading):
        self.lines = []
        self.add(heading)

    def add(self, line):
        self.lines.append(line)
        print(line, flush=True)

    def save(self, path):
        if path:
            path.write_text("\n".join(self.lines) + "\n")


def run(command):
    """Standard output of a command; ends the script with its error where it fails."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stderr}")
    return done.stdout


def build(xinfer, model, engine, calibrator=None, extra=()):
    """Builds `engine`, in INT8 where a calibrator is named, else in float32. Returns the report of the build."""
    command = [xinfer, "build", "--device", "cpu", model.path(), *model.flags, *extra, "-o", engine, "--json", "-"]
    if model.preprocess:
        command += ["--preprocess", model.preprocess]
    if calibrator:
        command += ["--int8", "--calib", data_folder() / model.calib, "--calibrator", calibrator]
    return json.loads(run(command))
