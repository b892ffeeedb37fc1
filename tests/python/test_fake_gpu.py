"""What xinfer does with a GPU's memory, streams and contexts, on tests/gpu/fake_driver: a driver without a
GPU, whose device memory is host memory and whose kernels do nothing. Needs a C++ compiler."""

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import xinfer
from conftest import ROOT
from xinfer import cuda

COMPILER = shutil.which("c++")
HAS_NVRTC = xinfer._core.kernel_compiler_status().startswith("NVRTC of")
pytestmark = pytest.mark.skipif(COMPILER is None, reason="no C++ compiler for the fake driver")


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    """The folder that holds a libcuda.so.1."""
    folder = tmp_path_factory.mktemp("driver")
    source = ROOT / "tests" / "gpu" / "fake_driver"
    command = [COMPILER, "-std=c++20", "-shared", "-fPIC", *sorted(source.glob("*.cpp"))]
    subprocess.run([*command, "-o", folder / "libcuda.so.1"], check=True)
    return folder


@pytest.fixture
def run(driver):
    def run_code(code, *arguments):
        paths = [str(driver), os.environ.get("LD_LIBRARY_PATH", "")]
        done = subprocess.run(
            [sys.executable, "-c", "import numpy as np, sys\n" + code, *map(str, arguments)],
            env={**os.environ, "LD_LIBRARY_PATH": ":".join(path for path in paths if path)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run_code


def test_memory_is_the_gpus_where_there_is_one(run):
    out = run("""
import xinfer.cuda as cuda, xinfer.cuda.autoinit
assert cuda.device_kind() == "cuda" and cuda.Device(0).name() == "Fake GPU"
assert cuda.Device.count() == 1 and cuda.Device(0).compute_capability()[0] == 9
assert cuda.Context.get_current() is xinfer.cuda.autoinit.context
x = np.arange(1000, dtype=np.float32)
memory, stream = cuda.mem_alloc(x.nbytes), cuda.Stream()
cuda.memcpy_htod_async(memory, x, stream)
back = cuda.pagelocked_empty(x.shape, x.dtype)
cuda.memcpy_dtoh_async(back, memory, stream)
stream.synchronize()
assert (back == x).all() and stream.is_done()
for width, dtype in ((1, np.uint8), (2, np.uint16), (4, np.uint32)):
    getattr(cuda, f"memset_d{8 * width}")(memory, 3, 8)
    assert cuda.from_device(memory, (8,), dtype).tolist() == [3] * 8
event = cuda.Event().record(stream)
assert cuda.Event().record().time_since(event) == 1.0 and event.query()
stream.wait_for_event(event)
free, total = cuda.mem_get_info()
assert total - free >= x.nbytes
cuda.Context.synchronize()
memory.free()
def fails(call):
    try:
        call()
    except cuda.Error as error:
        print(type(error).__name__, error)
fails(memory.free)
fails(lambda: cuda.memcpy_htod(memory, x))
fails(lambda: cuda.mem_alloc(1 << 40))
fails(lambda: cuda.Device(1))
fails(lambda: cuda.use("cpu"))
""")
    lines = out.splitlines()
    assert "freed" in lines[0] and "freed" in lines[1]
    assert lines[2].startswith("MemoryError") and "CUDA_ERROR_OUT_OF_MEMORY" in lines[2]
    assert "device 1; this machine has 1 GPU(s)" in lines[3] and "gpu already" in lines[4]


def test_addresses_may_come_back(run):
    """Unlike host memory, the driver hands freed addresses out again."""
    run("""
import xinfer.cuda as cuda
for _ in range(50):
    memory = cuda.mem_alloc(4096)
    cuda.memset_d8(memory, 1, 4096)
    memory.free()
""")


def test_the_cpu_can_be_chosen(run):
    out = run("""
import xinfer.cuda as cuda
cuda.use("cpu")
memory = cuda.to_device(np.ones(4))
print(cuda.device_kind(), memory.as_buffer(8).tobytes() == np.ones(1).tobytes())
""")
    assert out.split() == ["cpu", "True"]


def test_a_gpu_that_is_not_there_is_said():
    if xinfer._core.gpu_names():
        pytest.skip("this machine has a GPU")
    with pytest.raises(cuda.LogicError, match="no GPU: .*driver"):
        cuda.use("cuda")


def test_runtime_calls(run):
    run("""
from xinfer.cuda import runtime as rt
def call(name, *arguments):
    code, *results = getattr(rt, name)(*arguments)
    assert code == rt.cudaError_t.cudaSuccess, (name, code)
    return results[0] if results else None
x, y = np.arange(64, dtype=np.int32), np.zeros(64, np.int32)
memory, stream = call("cudaMalloc", x.nbytes), call("cudaStreamCreate")
call("cudaMemcpyAsync", memory, x, x.nbytes, rt.cudaMemcpyKind.cudaMemcpyHostToDevice, stream)
host = call("cudaMallocHost", x.nbytes)
call("cudaMemcpyAsync", host, memory, x.nbytes, rt.cudaMemcpyKind.cudaMemcpyDeviceToHost, stream)
call("cudaStreamSynchronize", stream)
import ctypes
assert bytes((ctypes.c_char * x.nbytes).from_address(host)) == x.tobytes()
event = call("cudaEventCreate")
call("cudaEventRecord", event, stream)
call("cudaEventSynchronize", event)
call("cudaStreamWaitEvent", stream, event, 0)
call("cudaFreeHost", host)
call("cudaFree", memory)
assert rt.cudaFree(memory)[0] != 0 and rt.cudaFreeHost(host)[0] != 0
call("cudaDeviceSynchronize")
assert call("cudaGetDeviceCount") == 1
""")


@pytest.fixture(scope="module")
def gpu_engine(conv_model, tmp_path_factory):
    if not HAS_NVRTC:
        pytest.skip(xinfer._core.kernel_compiler_status())
    path = tmp_path_factory.mktemp("engine") / "m.engine"
    xinfer.build(conv_model, path, max_batch=4, device="cuda:sm_90a")
    return path


def test_arrays_in_gpu_memory_are_used_in_place(run, gpu_engine):
    run(
        """
import xinfer, xinfer.cuda as cuda
engine = xinfer.Engine(sys.argv[1])
assert engine.device == "Fake GPU" and engine.targets == ("cuda:sm_90a",)
class Array:
    def __init__(self, *shape):
        self.shape, self.memory = shape, cuda.mem_alloc(4 * int(np.prod(shape)))
        self.dlpack = xinfer._core.gpu_array(int(self.memory), list(shape), "float32", 0, self.memory)
    def __dlpack__(self, **options):
        return self.dlpack.__dlpack__(**options)
    def __dlpack_device__(self):
        return self.dlpack.__dlpack_device__()
x, out = Array(2, 3, 8, 8), Array(2, 5)
assert xinfer._core.address_of(x) == int(x.memory)
assert engine(x, out=out) is out
stream = cuda.Stream()
assert engine(x, out=out, stream=stream) is out
y = engine(x, stream=stream)
assert y.__dlpack_device__() == (2, 0) and xinfer._core.address_of(y) not in (int(x.memory), int(out.memory))
assert engine([x])[0].__dlpack_device__() == (2, 0) and list(engine({"x": x})) == ["y"]
assert isinstance(engine(np.zeros((2, 3, 8, 8), np.float32)), np.ndarray)
engine.synchronize()
for wrong, message in ((Array(2, 3, 8, 7), '"x"'), (Array(5, 3, 8, 8), "4")):
    try:
        engine(wrong)
    except xinfer.InvalidArgumentError as error:
        assert message in str(error), error
    else:
        raise SystemExit("no error")
""",
        gpu_engine,
    )


def test_tensorrt_contexts_run_on_device_pointers(run, gpu_engine):
    out = run(
        """
import xinfer.cuda as cuda, xinfer.tensorrt as trt
engine = trt.Runtime(trt.Logger()).deserialize_cuda_engine(open(sys.argv[1], "rb").read())
context = engine.create_execution_context()
x = cuda.to_device(np.ones((2, 3, 8, 8), np.float32))
y = cuda.mem_alloc(2 * 5 * 4)
assert context.set_input_shape("x", (2, 3, 8, 8))
assert context.execute_v2([x, y])
stream = cuda.Stream()
context.set_tensor_address("x", int(x))
context.set_tensor_address("y", int(y))
assert context.execute_async_v3(stream.handle)
stream.synchronize()
y.free()
assert not context.execute_async_v3(stream.handle)
assert not context.execute_v2([np.ones((2, 3, 8, 8), np.float32).ctypes.data, cuda.mem_alloc(40)])
""",
        gpu_engine,
    )
    assert "freed" in out and "no memory that a GPU can use" in out


def test_memory_of_others_is_checked_at_every_run(run, gpu_engine):
    """As pycuda's and PyTorch's is, whose sizes and lives xinfer.cuda does not know."""
    out = run(
        """
import ctypes
import xinfer.tensorrt as trt

driver = ctypes.CDLL("libcuda.so.1")

def allocate(size):
    pointer = ctypes.c_uint64()
    assert driver.cuMemAlloc_v2(ctypes.byref(pointer), ctypes.c_size_t(size)) == 0
    return pointer.value

engine = trt.Runtime(trt.Logger()).deserialize_cuda_engine(open(sys.argv[1], "rb").read())
context = engine.create_execution_context()
x, y, short = allocate(2 * 3 * 8 * 8 * 4), allocate(2 * 5 * 4), allocate(2 * 5 * 4 - 1)
assert context.set_input_shape("x", (2, 3, 8, 8))
assert context.execute_v2([x, y])
assert not context.execute_v2([x, short])
assert not context.execute_v2([x + 16, y])
assert driver.cuMemFree_v2(ctypes.c_uint64(y)) == 0
assert not context.execute_v2([x, y])
""",
        gpu_engine,
    )
    assert "39 bytes left of an allocation of 39; needed: 40" in out
    assert "1520 bytes left of an allocation of 1536; needed: 1536" in out
    assert "no memory that a GPU can use" in out


def test_old_names_of_cuda_python_mean_what_it_has_under_bindings(run, tmp_path):
    """cuda-python 13 has no cuda.cuda, cuda.cudart and cuda.nvrtc any more; where it works, it stays the one used."""
    bindings = tmp_path / "cuda" / "bindings"
    bindings.mkdir(parents=True)
    for name in ("__init__", "driver", "runtime", "nvrtc"):
        (bindings / f"{name}.py").write_text(f"NAME = {name!r}\n")
    script = tmp_path / "script.py"
    script.write_text(
        "from cuda import cuda as old_driver, cudart, nvrtc\n"
        "from cuda.cudart import NAME\n"
        "from cuda.bindings import driver, runtime\n"
        "print(old_driver is driver, cudart is runtime, nvrtc.NAME, NAME)\n"
    )
    out = run(
        """
import runpy
sys.path.insert(0, sys.argv[2])
sys.argv = ["xinfer.tensorrt", sys.argv[1]]
runpy.run_module("xinfer.tensorrt", run_name="__main__")
""",
        script,
        tmp_path,
    )
    assert "True True nvrtc runtime" in out


def test_calibration_data_is_read_from_the_gpu(run, conv_model, samples, tmp_path):
    np.save(tmp_path / "x.npy", samples)
    (tmp_path / "m.onnx").write_bytes(conv_model.SerializeToString())
    run(
        """
import xinfer.cuda as cuda
from xinfer.tensorrt import _calibrators as c, float32, Logger
x = np.load(sys.argv[1])
class Mine(c.IInt8EntropyCalibrator2):
    def __init__(self):
        super().__init__()
        self.memory, self.at = cuda.mem_alloc(x[:4].nbytes), 0
    def get_batch_size(self):
        return 4
    def get_batch(self, names):
        cuda.memcpy_htod(self.memory, x[self.at : self.at + 4])
        self.at += 4
        return [self.memory]
bridge = c.Bridge(Mine(), {"x": [-1, 3, 8, 8]}, {"x": float32}, Logger())
for i in range(3):
    (batch,) = bridge.next_batch(["x"])
    assert (batch == x[4 * i : 4 * i + 4]).all()
""",
        tmp_path / "x.npy",
    )
