"""Networks by hand as the tests build and run them."""

import numpy as np
import xinfer.cuda as cuda
import xinfer.tensorrt as trt

X = np.random.default_rng(21).normal(size=(2, 4, 6, 6)).astype(np.float32)


def new_network():
    return trt.Builder(trt.Logger(trt.Logger.ERROR)).create_network(1)


def run_engine(engine, *arrays, context=None):
    """What the engine answers to arrays, through memory of the device that `xinfer.cuda` has."""
    context = context or engine.create_execution_context()
    memory = [cuda.to_device(a) for a in arrays]
    outputs = []
    for name in list(engine)[len(arrays) :]:
        dtype = trt.nptype(engine.get_tensor_dtype(name))
        outputs.append(np.empty(tuple(engine.get_tensor_shape(name)), dtype))
        memory.append(cuda.mem_alloc(outputs[-1].nbytes))
    assert context.execute_v2(memory)
    for array, pointer in zip(outputs, memory[len(arrays) :], strict=True):
        cuda.memcpy_dtoh(array, pointer)
    return outputs[0] if len(outputs) == 1 else outputs


def run(network, *arrays):
    builder = network.builder
    engine = builder.build_engine_with_config(network, builder.create_builder_config())
    assert engine is not None
    return run_engine(engine, *arrays)


def windows(x, kernel, stride, fill=0.0, pad=0):
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), constant_values=fill)
    view = np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), (2, 3))
    return view[:, :, ::stride, ::stride]
