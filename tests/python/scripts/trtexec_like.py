"""A command-line driver in the manner of trtexec: builds or loads an engine, times it."""

import argparse
import sys

import numpy as np
import pycuda.autoinit  # noqa: F401
import pycuda.driver as cuda
import tensorrt as trt

parser = argparse.ArgumentParser()
parser.add_argument("--onnx")
parser.add_argument("--saveEngine")
parser.add_argument("--loadEngine")
parser.add_argument("--shapes")
parser.add_argument("--fp16", action="store_true")
parser.add_argument("--workspace", type=int, default=16)
parser.add_argument("--timingCacheFile")
parser.add_argument("--iterations", type=int, default=10)
args = parser.parse_args()
logger = trt.Logger(trt.Logger.WARNING)
trt.init_libnvinfer_plugins(logger, "")

if args.onnx:
    builder = trt.Builder(logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH))
    onnx_parser = trt.OnnxParser(network, logger)
    if not onnx_parser.parse_from_file(args.onnx):
        sys.exit(str(onnx_parser.get_error(0)))
    config = builder.create_builder_config()
    if hasattr(config, "set_memory_pool_limit"):
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, args.workspace << 20)
    else:
        config.max_workspace_size = args.workspace << 20
    if args.fp16 and builder.platform_has_fast_fp16:
        config.set_flag(trt.BuilderFlag.FP16)
    cache = config.create_timing_cache(b"")
    assert config.set_timing_cache(cache, ignore_mismatch=False)
    for item in args.shapes.split(","):
        name, dims = item.split(":")
        shape = tuple(int(d) for d in dims.split("x"))
        profile = builder.create_optimization_profile()
        profile.set_shape(name, shape, shape, shape)
        config.add_optimization_profile(profile)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        sys.exit("build failed")
    with open(args.saveEngine, "wb") as f:
        f.write(plan)
    with open(args.timingCacheFile, "wb") as f:
        f.write(memoryview(config.get_timing_cache().serialize()))

with open(args.saveEngine or args.loadEngine, "rb") as f:
    engine = trt.Runtime(logger).deserialize_cuda_engine(f.read())
context = engine.create_execution_context()
memory = []
for i in range(engine.num_io_tensors):
    name = engine.get_tensor_name(i)
    size = trt.volume(engine.get_tensor_shape(name)) * engine.get_tensor_dtype(name).itemsize
    memory.append(cuda.mem_alloc(size))
    cuda.memset_d8(memory[-1], 0, size)
    context.set_tensor_address(name, int(memory[-1]))
stream, times = cuda.Stream(), []
for _ in range(args.iterations):
    start, end = cuda.Event(), cuda.Event()
    start.record(stream)
    assert context.execute_async_v3(stream.handle)
    end.record(stream)
    end.synchronize()
    times.append(start.time_till(end))
print(f"GPU Compute Time: min = {min(times)} ms, median = {np.median(times)} ms")
