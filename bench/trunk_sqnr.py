#!/usr/bin/env python3
"""Output SQNR of ResNet-18's trunk in INT8: xinfer beside OpenVINO (NNCF, preset MIXED), same images, one run.

    python bench/trunk_sqnr.py --xinfer build/release/tools/xinfer [--count 200] [-o FILE]

Needs bench/requirements.txt and the data folder. Both are calibrated on images/calib (200) and judged on `count` images of
images/eval against ONNX Runtime's float32 output.
"""
import pathlib
import tempfile

import numpy as np
import onnxruntime
from PIL import Image

import shared_models
from shared_models import MODELS
from tasks import sqnr_db

MODEL = MODELS["resnet18_trunk"]
MEAN, STD = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])


def images(folder, count):
    """[N, 3, 224, 224]: centre crops, normalised, evenly spread over the folder."""
    paths = sorted((shared_models.data_folder() / folder).glob("*/*"))
    arrays = []
    for path in paths[:: max(1, len(paths) // count)][:count]:
        image = Image.open(path).convert("RGB")
        left, top = (image.width - 224) // 2, (image.height - 224) // 2
        pixels = np.asarray(image.crop((left, top, left + 224, top + 224)), np.float32) / 255
        arrays.append(((pixels - MEAN) / STD).transpose(2, 0, 1))
    return np.stack(arrays)


def openvino_int8(calibration, inputs):
    import nncf
    import openvino

    network = nncf.quantize(
        openvino.convert_model(MODEL.path()),
        nncf.Dataset([calibration[i : i + 1] for i in range(len(calibration))]),
        subset_size=len(calibration),
        preset=nncf.QuantizationPreset.MIXED,
    )
    compiled = openvino.compile_model(network, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return np.concatenate([compiled(inputs[i : i + 1])[0] for i in range(len(inputs))])


def xinfer_int8(arguments, calibration, inputs, work):
    np.save(work / "calib.npy", calibration)
    np.save(work / "inputs.npy", inputs)
    shared_models.run([
        arguments.xinfer, "build", "--device", "cpu", MODEL.path(), "--int8", "--calib", work / "calib.npy",
        "--calibrator", arguments.calibrator, "-o", work / "engine",
    ])  # fmt: skip
    shared_models.run([arguments.xinfer, "run", work / "engine", work / "inputs.npy", "-o", work / "out.npy"])
    return np.load(work / "out.npy")


def main():
    parser = shared_models.parser(__doc__)
    parser.add_argument("--calibrator", default="auto")
    parser.add_argument("--count", type=int, default=200)
    arguments = parser.parse_args()
    calibration, inputs = images(MODEL.calib, 200), images(MODEL.eval[0], arguments.count)
    session = onnxruntime.InferenceSession(str(MODEL.path()), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    reference = np.concatenate([session.run(None, {name: inputs[i : i + 1]})[0] for i in range(len(inputs))])
    with tempfile.TemporaryDirectory() as work:
        ours = sqnr_db(reference, xinfer_int8(arguments, calibration, inputs, pathlib.Path(work)))
    theirs = sqnr_db(reference, openvino_int8(calibration, inputs))
    table = shared_models.Table("tool\toutput SQNR dB\timages")
    table.add(f"xinfer {arguments.calibrator}\t{ours:.2f}\t{len(inputs)}")
    table.add(f"OpenVINO INT8\t{theirs:.2f}\t{len(inputs)}")
    table.save(arguments.output)


if __name__ == "__main__":
    main()
