"""The buffer helper that most samples carry: page-locked host memory, device memory, a stream."""

import numpy as np
import pycuda.autoinit  # noqa: F401
import pycuda.driver as cuda
import tensorrt as trt


class HostDeviceMem(object):
    def __init__(self, host_mem, device_mem):
        self.host = host_mem
        self.device = device_mem

    def __str__(self):
        return "Host:\n" + str(self.host) + "\nDevice:\n" + str(self.device)


def allocate_buffers(engine, batch):
    inputs, outputs, bindings = [], [], []
    stream = cuda.Stream()
    for binding in engine:
        size = trt.volume((batch,) + tuple(engine.get_binding_shape(binding)[1:]))
        dtype = trt.nptype(engine.get_binding_dtype(binding))
        host_mem = cuda.pagelocked_empty(size, dtype)
        device_mem = cuda.mem_alloc(host_mem.nbytes)
        bindings.append(int(device_mem))
        (inputs if engine.binding_is_input(binding) else outputs).append(HostDeviceMem(host_mem, device_mem))
    return inputs, outputs, bindings, stream


def do_inference_v2(context, bindings, inputs, outputs, stream):
    [cuda.memcpy_htod_async(inp.device, inp.host, stream) for inp in inputs]
    context.execute_async_v2(bindings=bindings, stream_handle=stream.handle)
    [cuda.memcpy_dtoh_async(out.host, out.device, stream) for out in outputs]
    stream.synchronize()
    return [out.host for out in outputs]


logger = trt.Logger(trt.Logger.ERROR)
builder = trt.Builder(logger)
network = builder.create_network(1)
parser = trt.OnnxParser(network, logger)
assert parser.parse(open("model.onnx", "rb").read())
config = builder.create_builder_config()
builder.max_batch_size = 4
engine = builder.build_engine(network, config)
context = engine.create_execution_context()
context.set_binding_shape(engine.get_binding_index("x"), (4, 3, 8, 8))
inputs, outputs, bindings, stream = allocate_buffers(engine, 4)
samples = np.load("samples.npy")[:4]
np.copyto(inputs[0].host, samples.ravel())
(flat,) = do_inference_v2(context, bindings, inputs, outputs, stream)
np.save("buffers.npy", flat.reshape(4, 5))
start, end = cuda.Event(), cuda.Event()
start.record(stream)
end.record(stream)
end.synchronize()
assert start.time_till(end) >= 0
