"""Writes ONNX models layer by layer, with random weights that keep activations in a sane range."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Writer:
    """Collects nodes and weights; every method returns the name of the value that it made."""

    def __init__(self, seed=0):
        self.random = np.random.default_rng(seed)
        self.nodes, self.weights, self.count = [], [], 0

    def name(self, kind):
        self.count += 1
        return f"{kind.lower()}_{self.count}"

    def weight(self, values):
        name = self.name("w")
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def node(self, op, *inputs, name=None, **attributes):
        output = name or self.name(op)
        self.nodes.append(helper.make_node(op, list(inputs), [output], name=output, **attributes))
        return output

    def normal(self, shape, deviation):
        return (self.random.standard_normal(shape) * deviation).astype(np.float32)

    def conv(self, x, channels, filters, kernel, stride=1, groups=1, gain=2.0, pad=None, name=None):
        """He-initialised, with the bias that folding batch norm leaves."""
        fan_in = channels // groups * kernel * kernel
        w = self.weight(
            self.normal((filters, channels // groups, kernel, kernel), np.sqrt(gain / fan_in)))
        b = self.weight(self.normal(filters, 0.1))
        pad = kernel // 2 if pad is None else pad
        return self.node("Conv", x, w, b, name=name, kernel_shape=[kernel, kernel],
                         strides=[stride, stride], pads=[pad] * 4, group=groups)

    def linear(self, x, inputs, outputs, gain=1.0):
        w = self.weight(self.normal((inputs, outputs), np.sqrt(gain / inputs)))
        y = self.node("MatMul", x, w)
        return self.node("Add", y, self.weight(self.normal(outputs, 0.02)))

    def save(self, path, output, input_shape, output_shape, opset=17):
        graph = helper.make_graph(
            self.nodes, "model",
            [helper.make_tensor_value_info("input", TensorProto.FLOAT, input_shape)],
            [helper.make_tensor_value_info("output", TensorProto.FLOAT, output_shape)],
            self.weights)
        for node in graph.node:
            for i, name in enumerate(node.output):
                if name == output:
                    node.output[i] = "output"
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
        model.ir_version = 8
        onnx.save(model, path)
