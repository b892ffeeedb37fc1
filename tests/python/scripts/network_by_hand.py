"""A LeNet written with add_… calls, as samples do that read weights from a file."""

import numpy as np
import pycuda.autoinit  # noqa: F401
import pycuda.driver as cuda
import tensorrt as trt

random = np.random.default_rng(11)
weights = {
    "conv1.weight": random.normal(0, 0.2, (4, 1, 5, 5)).astype(np.float32),
    "conv1.bias": random.normal(0, 0.1, 4).astype(np.float32),
    "fc1.weight": random.normal(0, 0.1, (10, 4 * 6 * 6)).astype(np.float32),
    "fc1.bias": random.normal(0, 0.1, 10).astype(np.float32),
}


def populate_network(network, weights):
    input_tensor = network.add_input(name="data", dtype=trt.float32, shape=(2, 1, 16, 16))
    conv1 = network.add_convolution_nd(
        input=input_tensor,
        num_output_maps=4,
        kernel_shape=(5, 5),
        kernel=trt.Weights(weights["conv1.weight"]),
        bias=weights["conv1.bias"],
    )
    conv1.stride_nd = (1, 1)
    conv1.name = "conv1"
    pool1 = network.add_pooling_nd(conv1.get_output(0), trt.PoolingType.MAX, window_size=(2, 2))
    pool1.stride_nd = trt.Dims2((2, 2))
    relu1 = network.add_activation(input=pool1.get_output(0), type=trt.ActivationType.RELU)
    flat = network.add_shuffle(relu1.get_output(0))
    flat.reshape_dims = (2, 4 * 6 * 6)
    matrix = network.add_constant(weights["fc1.weight"].shape, weights["fc1.weight"])
    fc1 = network.add_matrix_multiply(
        flat.get_output(0), trt.MatrixOperation.NONE, matrix.get_output(0), trt.MatrixOperation.TRANSPOSE
    )
    bias = network.add_constant((1, 10), weights["fc1.bias"])
    added = network.add_elementwise(fc1.get_output(0), bias.get_output(0), trt.ElementWiseOperation.SUM)
    softmax = network.add_softmax(added.get_output(0))
    softmax.axes = 1 << 1
    softmax.get_output(0).name = "prob"
    network.mark_output(tensor=softmax.get_output(0))
    best = network.add_topk(added.get_output(0), trt.TopKOperation.MAX, 1, 1 << 1)
    best.get_output(1).name = "class"
    network.mark_output(best.get_output(1))


logger = trt.Logger(trt.Logger.ERROR)
builder = trt.Builder(logger)
network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH))
populate_network(network, weights)
assert len(network) == 10 and network[0].name == "conv1" and network.num_outputs == 2
assert network.get_output(0).shape == (2, 10) and network[0].get_output(0).shape == (2, 4, 12, 12)
engine = builder.build_engine_with_config(network, builder.create_builder_config())
data = random.random((2, 1, 16, 16)).astype(np.float32)
prob, index = np.empty((2, 10), np.float32), np.empty((2, 1), np.int64)
memory = [cuda.to_device(data), cuda.mem_alloc(prob.nbytes), cuda.mem_alloc(index.nbytes)]
assert engine.create_execution_context().execute_v2(memory)
cuda.memcpy_dtoh(prob, memory[1])
cuda.memcpy_dtoh(index, memory[2])

windows = np.lib.stride_tricks.sliding_window_view(data[:, 0], (5, 5), (1, 2))
conv = np.einsum("nhwij,oij->nohw", windows, weights["conv1.weight"][:, 0]) + weights["conv1.bias"][:, None, None]
pooled = np.maximum(conv.reshape(2, 4, 6, 2, 6, 2).max((3, 5)), 0)
scores = pooled.reshape(2, -1) @ weights["fc1.weight"].T + weights["fc1.bias"]
expected = np.exp(scores - scores.max(1, keepdims=True))
expected /= expected.sum(1, keepdims=True)
assert np.abs(prob - expected).max() < 1e-5
assert (index[:, 0] == scores.argmax(1)).all()
