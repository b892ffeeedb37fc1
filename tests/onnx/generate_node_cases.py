"""Writes the node cases of ONNX's backend test suite as files that C++ tests read.

    generate_node_cases.py --ops docs/supported-ops.md OUTPUT_FOLDER

Takes every case whose operators are all in the table of supported operators. For each it writes
OUTPUT_FOLDER/<case>/model.onnx, input_<i>.npy and output_<i>.npy, and lines of
OUTPUT_FOLDER/manifest.tsv:

    case    <name>  <relative tolerance>  <absolute tolerance>
    input   <value name>  <file>
    output  <value name>  <file>

Inputs that decide shapes (axes, pads, sizes, ...) and the weights of convolutions and batch
normalizations become initializers, because xinfer wants to know them when it imports a model. float16 and bfloat16 arrays are written as float32, as the importer
takes them, and such cases get the tolerance of the narrower type.
"""

import argparse
import pathlib
import re
import sys
import warnings

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.test.loader import load_model_tests

# Positions of operands that must be constants: those that decide shapes, and the weights of layers.
# Reductions are added below.
CONSTANT_OPERANDS = {
    "BatchNormalization": [1, 2, 3, 4],
    "ConstantOfShape": [0],
    "Conv": [1, 2],
    "DequantizeLinear": [1, 2],
    "Dropout": [1, 2],
    "Expand": [1],
    "Pad": [1, 2, 3],
    "QuantizeLinear": [1, 2],
    "Range": [0, 1, 2],
    "Reshape": [1],
    "Resize": [1, 2, 3],
    "Slice": [1, 2, 3, 4],
    "Split": [1],
    "Squeeze": [1],
    "Tile": [1],
    "Unsqueeze": [1],
    "Upsample": [1],
}

# Cases made by expanding a function: its operands of these names decide shapes as well.
SHAPE_INPUT_NAMES = {"shape", "size"}

PLAIN_TYPES = {"float32", "float64", "int8", "uint8", "int16", "uint16", "int32", "uint32"}
PLAIN_TYPES |= {"int64", "uint64", "bool"}
HALF_TOLERANCE = {"float16": 2.0**-9, "bfloat16": 2.0**-6}


def supported_ops(table: pathlib.Path) -> set[str]:
    """First column of the Markdown table."""
    return set(re.findall(r"^\| (\w+) \|", table.read_text(), re.MULTILINE)) - {"operator"}


def constant_positions(op: str) -> list[int]:
    return [1] if op.startswith("Reduce") else CONSTANT_OPERANDS.get(op, [])


def to_array(value) -> np.ndarray:
    if isinstance(value, onnx.TensorProto):
        return numpy_helper.to_array(value)
    return np.asarray(value)


def widened(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float32) if array.dtype.name in HALF_TOLERANCE else array


def is_plain(value) -> bool:
    """True for tensors of types that .npy files hold."""
    if not isinstance(value, (np.ndarray, np.generic, onnx.TensorProto, int, float)):
        return False
    return to_array(value).dtype.name in PLAIN_TYPES | HALF_TOLERANCE.keys()


def make_initializers(
    case_name: str, model: onnx.ModelProto, inputs: dict[str, object]
) -> dict[str, object]:
    """Moves inputs that must be constants into the model; returns those that stay."""
    fixed = inputs.keys() & SHAPE_INPUT_NAMES
    if re.match(r"test_(blackman|hamming|hann)window", case_name):  # the input is the size
        fixed = set(inputs)
    for node in model.graph.node:
        for position in constant_positions(node.op_type):
            if position < len(node.input) and node.input[position] in inputs:
                fixed.add(node.input[position])
    for name in sorted(fixed):
        tensor = numpy_helper.from_array(to_array(inputs[name]), name)
        model.graph.initializer.append(tensor)
    kept = [entry for entry in model.graph.input if entry.name not in fixed]
    del model.graph.input[:]
    model.graph.input.extend(kept)
    return {name: value for name, value in inputs.items() if name not in fixed}


def write_arrays(folder: pathlib.Path, kind: str, values: dict[str, object]) -> list[str]:
    lines = []
    for i, (name, value) in enumerate(values.items()):
        file = f"{kind}_{i}.npy"
        array = np.array(widened(to_array(value)), order="C")
        np.save(folder / file, array, allow_pickle=False)
        lines.append(f"{kind}\t{name}\t{folder.name}/{file}")
    return lines


def write_case(case, output: pathlib.Path) -> list[str] | None:
    """The case's manifest lines; None if it is not made of plain tensors."""
    if not case.data_sets:
        return None
    raw_inputs, raw_outputs = case.data_sets[0]
    if not all(is_plain(value) for value in [*raw_inputs, *raw_outputs]):
        return None
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    inputs = dict(zip([entry.name for entry in model.graph.input], raw_inputs))
    outputs = dict(zip([entry.name for entry in model.graph.output], raw_outputs))
    tolerance = max(
        [HALF_TOLERANCE.get(to_array(v).dtype.name, 0) for v in [*raw_inputs, *raw_outputs]]
    )
    inputs = make_initializers(case.name, model, inputs)
    folder = output / case.name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    header = f"case\t{case.name}\t{max(case.rtol, tolerance)}\t{max(case.atol, tolerance)}"
    return [
        header,
        *write_arrays(folder, "input", inputs),
        *write_arrays(folder, "output", outputs),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ops", type=pathlib.Path, required=True)
    parser.add_argument("output", type=pathlib.Path)
    arguments = parser.parse_args()
    ops = supported_ops(arguments.ops)
    if not ops:
        print(f"{arguments.ops}: no table of operators", file=sys.stderr)
        return 1
    warnings.filterwarnings("ignore", category=RuntimeWarning)  # cases that divide by zero
    arguments.output.mkdir(parents=True, exist_ok=True)
    lines: list[str] = []
    written = 0
    for case in load_model_tests(kind="node"):
        if not {node.op_type for node in case.model.graph.node} <= ops:
            continue
        if case.model.functions:
            continue
        case_lines = write_case(case, arguments.output)
        if case_lines is None:
            continue
        written += 1
        lines.extend(case_lines)
    (arguments.output / "manifest.tsv").write_text("\n".join(lines) + "\n")
    print(f"{written} cases in {arguments.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
