"""TensorRT 10 idiom: tensors by name, execute_async_v3, cuda-python's runtime, memory pools."""

import numpy as np
import tensorrt as trt
from cuda import cudart


def check(result):
    error, *values = result
    if error != cudart.cudaError_t.cudaSuccess:
        raise RuntimeError(cudart.cudaGetErrorString(error)[1])
    return values[0] if len(values) == 1 else tuple(values)


logger = trt.Logger(trt.Logger.INFO)
builder = trt.Builder(logger)
network = builder.create_network(0)
parser = trt.OnnxParser(network, logger)
assert parser.parse_from_file("model.onnx")
config = builder.create_builder_config()
config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, 1 << 28)
profile = builder.create_optimization_profile()
name = network.get_input(0).name
profile.set_shape(name, (1, 3, 8, 8), (4, 3, 8, 8), (16, 3, 8, 8))
config.add_optimization_profile(profile)
plan = builder.build_serialized_network(network, config)
assert plan.nbytes == len(bytes(plan))

engine = trt.Runtime(logger).deserialize_cuda_engine(plan)
context = engine.create_execution_context()
stream = check(cudart.cudaStreamCreate())
samples = np.ascontiguousarray(np.load("samples.npy")[:16])
assert engine.get_tensor_profile_shape(name, 0)[2] == (16, 3, 8, 8)
assert context.infer_shapes() == [name]
assert not context.set_input_shape(name, (17, 3, 8, 8))
assert context.set_input_shape(name, samples.shape) and context.infer_shapes() == []
outputs, memory = {}, []
for i in range(engine.num_io_tensors):
    tensor = engine.get_tensor_name(i)
    shape = context.get_tensor_shape(tensor)
    array = np.empty(tuple(shape), trt.nptype(engine.get_tensor_dtype(tensor)))
    pointer = check(cudart.cudaMalloc(array.nbytes))
    memory.append(pointer)
    context.set_tensor_address(tensor, pointer)
    if engine.get_tensor_mode(tensor) == trt.TensorIOMode.INPUT:
        kind = cudart.cudaMemcpyKind.cudaMemcpyHostToDevice
        check(cudart.cudaMemcpyAsync(pointer, samples.ctypes.data, samples.nbytes, kind, stream))
    else:
        outputs[tensor] = (array, pointer)
assert context.execute_async_v3(stream)
for array, pointer in outputs.values():
    kind = cudart.cudaMemcpyKind.cudaMemcpyDeviceToHost
    check(cudart.cudaMemcpyAsync(array.ctypes.data, pointer, array.nbytes, kind, stream))
check(cudart.cudaStreamSynchronize(stream))
for pointer in memory:
    check(cudart.cudaFree(pointer))
np.save("trt10.npy", outputs["y"][0])
