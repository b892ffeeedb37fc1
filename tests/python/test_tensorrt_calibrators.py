"""Calibrators that go wrong: each fails the build with an error that says where, and writes nothing."""

import traceback

import numpy as np
import pytest
import xinfer
import xinfer.cuda as cuda
import xinfer.tensorrt as trt

SIZE = 2 * 3 * 8 * 8 * 4


class Base(trt.IInt8EntropyCalibrator2):
    def __init__(self):
        super().__init__()
        self.memory, self.calls, self.written = cuda.to_device(np.ones(SIZE // 4, np.float32)), 0, False

    def get_batch_size(self):
        return 2

    def get_batch(self, names):
        self.calls += 1
        return self.pointers() if self.calls < 4 else None

    def pointers(self):
        return [self.memory]

    def write_calibration_cache(self, cache):
        self.written = True


class Log(trt.ILogger):
    def __init__(self):
        super().__init__()
        self.errors = []

    def log(self, severity, msg):
        if severity <= trt.Logger.ERROR:
            self.errors.append(msg)


def build(conv_model, calibrator):
    log = Log()
    builder = trt.Builder(log)
    network = builder.create_network(1)
    assert trt.OnnxParser(network, log).parse(conv_model.SerializeToString())
    config = builder.create_builder_config()
    config.set_flag(trt.BuilderFlag.INT8)
    config.int8_calibrator = calibrator
    return builder.build_serialized_network(network, config), log.errors


def test_a_good_one_builds(conv_model):
    for calibrator in (Base(), GoodArray()):
        plan, errors = build(conv_model, calibrator)
        assert plan is not None and not errors and calibrator.written


class TwoPointers(Base):
    def pointers(self):
        return [self.memory, self.memory]


class FreedMemory(Base):
    def pointers(self):
        if self.calls == 2:
            self.memory.free()
        return [int(self.memory)]


class ShortMemory(Base):
    def pointers(self):
        self.short = cuda.mem_alloc(SIZE - 4)
        return [self.short]


class NullPointer(Base):
    def pointers(self):
        return [0]


class AnArray(Base):
    def pointers(self):
        return [np.ones((2, 3, 8, 8), np.float32)]


class DeviceArray:
    """Memory with CUDA's array interface, as CuPy and Numba have it."""

    def __init__(self, memory, typestr, shape):
        self.__cuda_array_interface__ = {"data": (int(memory), False), "typestr": typestr, "shape": shape, "version": 3}


class GoodArray(Base):
    def pointers(self):
        return [DeviceArray(self.memory, "<f4", (2, 3, 8, 8))]


class WrongType(Base):
    def pointers(self):
        return [DeviceArray(self.memory, "<f8", (1, 3, 8, 8))]


class WrongShape(Base):
    def pointers(self):
        return [DeviceArray(self.memory, "<f4", (1, 3, 8, 8))]


class NoPointer(Base):
    def pointers(self):
        return ["memory"]


class BadBatchSize(Base):
    def get_batch_size(self):
        return 0


class NotANumber(Base):
    def pointers(self):
        cuda.memcpy_htod(self.memory, np.full(SIZE // 4, np.nan, np.float32))
        return [self.memory]


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (TwoPointers, "returned 2 pointers; needed: one for each of ['x']"),
        (FreedMemory, 'batch 2, input "x": the device memory at'),
        (ShortMemory, "its allocation has 1532 left"),
        (NullPointer, "null pointer"),
        (AnArray, "a NumPy array; needed: a device pointer"),
        (WrongType, 'batch 1, input "x": float64[1, 3, 8, 8]; needed: float32[2, 3, 8, 8]'),
        (WrongShape, 'input "x": float32[1, 3, 8, 8]; needed: float32[2, 3, 8, 8]'),
        (NoPointer, "str is no device pointer"),
        (BadBatchSize, "get_batch_size returned 0"),
        (NotANumber, '"x"'),
    ],
)
def test_wrong_batches_fail_the_build(kind, message, conv_model):
    calibrator = kind()
    plan, errors = build(conv_model, calibrator)
    assert plan is None and not calibrator.written
    assert any(message in error for error in errors), errors


def test_damaged_cache_fails_the_build(conv_model):
    class Damaged(Base):
        def read_calibration_cache(self):
            return b"TRT-101600-EntropyCalibration2\nx: nonsense\n"

    plan, errors = build(conv_model, Damaged())
    assert plan is None and any("2" in error for error in errors)


def test_exceptions_reach_the_caller_with_their_traceback(conv_model):
    class Broken(Base):
        def get_batch(self, names):
            raise OSError("the disk is gone")

    with pytest.raises(OSError, match="disk") as caught:
        build(conv_model, Broken())
    assert "get_batch" in [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]

    class CannotWrite(Base):
        def write_calibration_cache(self, cache):
            raise PermissionError("read-only")

    with pytest.raises(PermissionError):
        build(conv_model, CannotWrite())


def test_base_init_must_be_called():
    class Forgetful(trt.IInt8EntropyCalibrator2):
        def __init__(self):
            pass

    config = trt.Builder(trt.Logger()).create_builder_config()
    with pytest.raises(TypeError, match="Forgetful.__init__"):
        config.int8_calibrator = Forgetful()
    with pytest.raises(TypeError, match="needed: a subclass"):
        config.int8_calibrator = object()


def test_fixed_batch_takes_several_at_a_time(two_input_model):
    """A model with a fixed batch of 1 and a calibrator of 4 runs slice by slice."""
    model = type(two_input_model)()
    model.CopyFrom(two_input_model)
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = 1

    class Four(trt.IInt8MinMaxCalibrator):
        def __init__(self):
            super().__init__()
            self.a = cuda.to_device(np.arange(24, dtype=np.float32))
            self.b = cuda.to_device(np.arange(16, dtype=np.float32))
            self.done = False

        def get_batch_size(self):
            return 4

        def get_batch(self, names):
            done, self.done = self.done, True
            return None if done else [{"a": self.a, "b": self.b}[name] for name in names]

        def write_calibration_cache(self, cache):
            self.cache = bytes(cache).decode()

    calibrator = Four()
    plan, errors = build(model, calibrator)
    assert plan is not None, errors
    lines = dict(line.rsplit(": ", 1) for line in calibrator.cache.splitlines()[1:])
    assert np.frombuffer(bytes.fromhex(lines["a"]), ">f4")[0] == np.float32(23 / 127)


def test_failed_allocations_and_copies():
    with pytest.raises(cuda.LogicError, match="needed: 1 or more"):
        cuda.mem_alloc(0)
    memory = cuda.mem_alloc(8)
    with pytest.raises(cuda.LogicError, match="12 bytes"):
        cuda.memcpy_htod(memory, np.zeros(3, np.float32))
    memory.free()
    with pytest.raises(cuda.LogicError, match="was freed"):
        cuda.memcpy_dtoh(np.zeros(1, np.float32), memory)
    with pytest.raises(cuda.LogicError, match="freed already"):
        memory.free()
    with pytest.raises(ValueError, match="not contiguous"):
        cuda.memcpy_htod(cuda.mem_alloc(64), np.zeros((4, 4))[:, 0])


def test_tensorrt_7_settings_of_the_builder(conv_model):
    log = Log()
    builder = trt.Builder(log)
    network = builder.create_network(1)
    assert trt.OnnxParser(network, log).parse(conv_model.SerializeToString())
    builder.int8_mode, builder.int8_calibrator, builder.max_workspace_size = True, Base(), 1 << 28
    engine = builder.build_cuda_engine(network)
    assert engine is not None and not log.errors
    assert xinfer.Engine(bytes(engine.serialize())).int8_mac_share > 0.9
    builder.reset()
    assert builder.int8_calibrator is None and not builder.int8_mode


def test_a_model_in_a_network_with_an_implicit_batch_keeps_its_batch_and_says_so(conv_model):
    class Warnings(Log):
        def log(self, severity, msg):
            self.errors.append((severity, msg))

    log = Warnings()
    trt.compat_version("8.6")
    try:
        network = trt.Builder(log).create_network()
    finally:
        trt.compat_version("10.16.0")
    assert network.has_implicit_batch_dimension
    assert trt.OnnxParser(network, log).parse(conv_model.SerializeToString())
    assert not network.has_implicit_batch_dimension
    assert [severity for severity, _ in log.errors] == [trt.Logger.WARNING]
    assert "made without EXPLICIT_BATCH" in log.errors[0][1]


def test_a_model_with_scales_of_its_own_needs_no_calibrator(conv_model, samples):
    log = Log()
    quantised = xinfer.quantize(conv_model, calib=samples)
    builder = trt.Builder(log)
    network = builder.create_network(1)
    assert trt.OnnxParser(network, log).parse(quantised)
    assert trt.LayerType.QUANTIZE in {layer.type for layer in network}
    config = builder.create_builder_config()
    config.set_flag(trt.BuilderFlag.INT8)
    engine = builder.build_engine_with_config(network, config)
    assert engine is not None and not log.errors
    assert xinfer.Engine(bytes(engine.serialize())).int8_mac_share == 1.0
