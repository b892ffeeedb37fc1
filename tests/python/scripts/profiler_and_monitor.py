"""Profilers, progress monitors, error recorders, loggers of one's own."""

import numpy as np
import pycuda.autoinit  # noqa: F401
import pycuda.driver as cuda
import tensorrt as trt


class MyLogger(trt.ILogger):
    def __init__(self):
        trt.ILogger.__init__(self)
        self.lines = []

    def log(self, severity, msg):
        self.lines.append((severity, msg))


class MyProfiler(trt.IProfiler):
    def __init__(self):
        trt.IProfiler.__init__(self)
        self.times = {}

    def report_layer_time(self, layer_name, ms):
        self.times[layer_name] = ms


class MyMonitor(trt.IProgressMonitor):
    def __init__(self, stop_in=None):
        trt.IProgressMonitor.__init__(self)
        self.open, self.seen, self.stop_in = [], [], stop_in

    def phase_start(self, phase_name, parent_phase, num_steps):
        assert num_steps >= 1
        self.open.append(phase_name)
        self.seen.append(phase_name)

    def phase_finish(self, phase_name):
        self.open.remove(phase_name)

    def step_complete(self, phase_name, step):
        return phase_name != self.stop_in


class MyRecorder(trt.IErrorRecorder):
    def __init__(self):
        trt.IErrorRecorder.__init__(self)
        self.errors = []

    def num_errors(self):
        return len(self.errors)

    def get_error_code(self, i):
        return self.errors[i][0]

    def get_error_desc(self, i):
        return self.errors[i][1]

    def clear(self):
        self.errors.clear()

    def report_error(self, code, desc):
        self.errors.append((code, desc))
        return True


logger = MyLogger()
builder = trt.Builder(logger)
builder.error_recorder = MyRecorder()
network = builder.create_network(1)
parser = trt.OnnxParser(network, logger)
assert not parser.parse(b"this is no model")
assert parser.num_errors == 1 and parser.get_error(0).code() != trt.ErrorCode.SUCCESS and parser.get_error(0).desc()
parser.clear_errors()
assert parser.parse(open("model.onnx", "rb").read())
config = builder.create_builder_config()
config.progress_monitor = MyMonitor()
engine = builder.build_engine_with_config(network, config)
assert "compile" in config.progress_monitor.seen and not config.progress_monitor.open
config.progress_monitor = MyMonitor(stop_in="import")
assert builder.build_serialized_network(network, config) is None

context = engine.create_execution_context()
context.profiler = MyProfiler()
memory = [cuda.to_device(np.load("samples.npy")[:1]), cuda.mem_alloc(20)]
context.set_input_shape("x", (1, 3, 8, 8))
assert context.execute_v2([int(m) for m in memory])
assert len(context.profiler.times) == engine.num_layers and all(t >= 0 for t in context.profiler.times.values())

# Failures: a null pointer, freed memory, memory that is too short; all are said, none crashes.
context.error_recorder = MyRecorder()
memory[1].free()
for bad in ([int(memory[0]), 0], [int(memory[0]), int(memory[1])], [int(memory[0]), int(cuda.mem_alloc(16))]):
    assert not context.execute_v2(bad)
assert context.error_recorder.num_errors() == 3
assert any(severity == trt.Logger.ERROR for severity, _ in logger.lines)

# A network without an output.
empty = builder.create_network(1)
empty.add_input("x", trt.float32, (1,))
assert builder.build_serialized_network(empty, builder.create_builder_config()) is None
assert "no outputs" in builder.error_recorder.get_error_desc(0)
