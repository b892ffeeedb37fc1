"""Models and engines that several tests share."""

import pathlib

import numpy as np
import pytest
import xinfer
from onnx import TensorProto, helper, numpy_helper

ROOT = pathlib.Path(__file__).resolve().parents[2]
DIGITS = ROOT / "examples" / "digits"
PREPROCESS = "color=gray,mean=0.5,std=0.5"


@pytest.fixture(scope="session")
def digits():
    """The example model that the repository carries, with its images."""
    return DIGITS


@pytest.fixture(scope="session")
def digit_engine():
    """An INT8 engine of the example."""
    return xinfer.build(DIGITS / "digits.onnx", calib=DIGITS / "calib", preprocess=PREPROCESS, max_batch=8)


def make_model(nodes, inputs, outputs, weights, opset=17):
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in outputs],
        [numpy_helper.from_array(a, n) for n, a in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


@pytest.fixture(scope="session")
def conv_model():
    """x [batch, 3, 8, 8] to y [batch, 5]: two convolutions, a ReLU, a mean, a product."""
    random = np.random.default_rng(1)
    weights = {
        "w1": random.normal(0, 0.2, (8, 3, 3, 3)).astype(np.float32),
        "w2": random.normal(0, 0.1, (8, 8, 3, 3)).astype(np.float32),
        "w3": random.normal(0, 0.3, (8, 5)).astype(np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["c1"], name="conv1", pads=[1] * 4),
        helper.make_node("Relu", ["c1"], ["r1"], name="relu1"),
        helper.make_node("Conv", ["r1", "w2"], ["c2"], name="conv2", pads=[1] * 4),
        helper.make_node("ReduceMean", ["c2"], ["m"], name="mean", axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["m", "w3"], ["y"], name="fc"),
    ]
    return make_model(nodes, [("x", ["batch", 3, 8, 8])], [("y", ["batch", 5])], weights)


@pytest.fixture(scope="session")
def samples():
    return np.random.default_rng(2).normal(size=(24, 3, 8, 8)).astype(np.float32)


@pytest.fixture(scope="session")
def two_input_model():
    """sum = a · w + b."""
    weights = {"w": np.random.default_rng(3).normal(size=(6, 4)).astype(np.float32)}
    nodes = [
        helper.make_node("MatMul", ["a", "w"], ["p"], name="product"),
        helper.make_node("Add", ["p", "b"], ["sum"], name="add"),
    ]
    return make_model(nodes, [("a", ["batch", 6]), ("b", ["batch", 4])], [("sum", ["batch", 4])], weights)
