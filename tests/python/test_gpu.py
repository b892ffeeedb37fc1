"""Engines on a GPU: memory of the device in and out without copies, streams, xinfer.cuda, TensorRT scripts.

Skipped without a GPU, or without NVRTC, which compiles the kernels.
"""

import subprocess
import sys

import numpy as np
import pytest
import xinfer
from conftest import ROOT

MISSING = (
    xinfer._core.gpu_driver_status()
    if not xinfer._core.gpu_names()
    else ""
    if xinfer._core.kernel_compiler_status().startswith("NVRTC of")
    else xinfer._core.kernel_compiler_status()
)
pytestmark = [pytest.mark.gpu, pytest.mark.skipif(bool(MISSING), reason=MISSING)]


@pytest.fixture(scope="module")
def engine(conv_model, samples):
    return xinfer.build(conv_model, calib=samples, max_batch=4, device="cuda")


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


def test_numpy_in_numpy_out(engine, conv_model, samples):
    y = engine(samples[:3])
    assert isinstance(y, np.ndarray) and y.shape == (3, 5)
    cpu = xinfer.build(conv_model, calib=samples, max_batch=4)
    np.testing.assert_array_equal(y, cpu(samples[:3]))
    assert engine.targets[0].startswith("cuda:sm_") and "NVIDIA" in engine.device


def test_torch_tensors_are_used_in_place(engine, samples, torch):
    x = torch.from_numpy(samples[:3]).cuda()
    assert xinfer._core.address_of(x) == x.data_ptr()
    y = engine(x)
    assert isinstance(y, torch.Tensor) and y.is_cuda and y.shape == (3, 5)
    expected = engine(samples[:3])
    np.testing.assert_array_equal(y.cpu().numpy(), expected)
    out = torch.zeros_like(y)
    before = out.data_ptr()
    assert engine(x, out=out) is out and out.data_ptr() == before
    np.testing.assert_array_equal(out.cpu().numpy(), expected)
    (listed,) = engine([x])
    assert list(engine({"x": x})) == ["y"] and listed.is_cuda


def test_runs_on_the_stream_that_is_given(engine, samples, torch):
    stream = torch.cuda.Stream()
    expected = engine(samples[:4])
    with torch.cuda.stream(stream):
        for _ in range(20):
            x = torch.from_numpy(samples[:4]).cuda(non_blocking=True) * 2
            y = engine(x / 2, stream=stream)
            z = y + 1
    stream.synchronize()
    np.testing.assert_array_equal((z - 1).cpu().numpy(), torch.from_numpy(expected).add(1).sub(1).numpy())
    engine.synchronize()


def test_tensors_that_do_not_fit(engine, samples, torch):
    x = torch.from_numpy(samples[:2]).cuda()
    with pytest.raises(xinfer.InvalidArgumentError, match="not C-contiguous"):
        engine(x.permute(0, 1, 3, 2))
    with pytest.raises(xinfer.InvalidArgumentError, match='"x".*float64'):
        engine(x.double())
    with pytest.raises(xinfer.InvalidArgumentError, match='output "y"'):
        engine(x, out=torch.empty(3, 5, device="cuda"))


def test_cupy_arrays_are_used_in_place(engine, samples):
    cupy = pytest.importorskip("cupy")
    x = cupy.asarray(samples[:2])
    assert xinfer._core.address_of(x) == x.data.ptr
    y = engine(x)
    assert isinstance(y, cupy.ndarray)
    np.testing.assert_array_equal(cupy.asnumpy(y), engine(samples[:2]))


def test_other_libraries_take_the_result_by_dlpack(engine, samples, torch):
    class Exporter:
        def __init__(self, tensor):
            self.tensor, self.shape = tensor, tensor.shape

        def __dlpack__(self, **options):
            return self.tensor.__dlpack__(**options)

        def __dlpack_device__(self):
            return self.tensor.__dlpack_device__()

    y = engine(Exporter(torch.from_numpy(samples[:2]).cuda()))
    taken = torch.from_dlpack(y)
    del y
    np.testing.assert_array_equal(taken.cpu().numpy(), engine(samples[:2]))


def test_cuda_memory_streams_and_events():
    run = """
import numpy as np, xinfer.cuda as cuda, xinfer.cuda.autoinit
assert cuda.device_kind() == "cuda" and "NVIDIA" in cuda.Device(0).name()
host = cuda.pagelocked_empty((1 << 20,), np.float32)
host[:] = np.arange(host.size)
back = cuda.pagelocked_zeros(host.shape, host.dtype)
memory, stream = cuda.mem_alloc(host.nbytes), cuda.Stream()
start, end = cuda.Event(), cuda.Event()
start.record(stream)
cuda.memcpy_htod_async(memory, host, stream)
cuda.memcpy_dtoh_async(back, memory, stream)
end.record(stream)
stream.synchronize()
assert (back == host).all() and end.time_since(start) > 0 and stream.is_done()
cuda.memset_d32(memory, 7, 16)
assert cuda.from_device(memory, (16,), np.uint32).tolist() == [7] * 16
free, total = cuda.mem_get_info()
assert 0 < free < total
memory.free()
for call in (memory.free, lambda: cuda.memcpy_dtoh(back, memory), lambda: cuda.mem_alloc(1 << 50)):
    try:
        call()
    except cuda.Error as error:
        print(type(error).__name__, error)
    else:
        raise SystemExit("no error")
"""
    done = subprocess.run([sys.executable, "-c", run], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[2].startswith("MemoryError")


TENSORRT = """
import numpy as np, sys
{first}
import xinfer, xinfer.tensorrt as trt
engine = trt.Runtime(trt.Logger()).deserialize_cuda_engine(open(sys.argv[1], "rb").read())
x = np.load(sys.argv[2])[:2]
expected = xinfer.Engine(sys.argv[1], device="cuda")(x)
{second}
import torch
context = engine.create_execution_context()
context.set_input_shape("x", x.shape)
given, got = torch.from_numpy(x).cuda(), torch.zeros(2, 5, device="cuda")
stream = torch.cuda.Stream()
stream.wait_stream(torch.cuda.current_stream())
context.set_tensor_address("x", given.data_ptr())
context.set_tensor_address("y", got.data_ptr())
assert context.execute_async_v3(stream.cuda_stream)
stream.synchronize()
assert (got.cpu().numpy() == expected).all(), (got, expected)
got.zero_()
torch.cuda.synchronize()
assert context.execute_v2([given.data_ptr(), got.data_ptr()])
assert (got.cpu().numpy() == expected).all()
assert not context.execute_v2([x.ctypes.data, got.data_ptr()])
import xinfer.cuda as cuda
mine = cuda.to_device(x)
answer = cuda.mem_alloc(got.numel() * 4)
assert context.execute_v2([mine, answer])
assert (cuda.from_device(answer, expected.shape, np.float32) == expected).all()
"""


@pytest.mark.parametrize("torch_first", [True, False])
def test_tensorrt_contexts_take_pointers_of_torch(engine, samples, tmp_path, torch, torch_first):
    engine.save(tmp_path / "m.engine")
    np.save(tmp_path / "x.npy", samples)
    begin = "import torch; torch.zeros(1, device='cuda')"
    code = TENSORRT.format(first=begin if torch_first else "", second="" if torch_first else begin)
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "m.engine", tmp_path / "x.npy"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'input "x"' in done.stdout + done.stderr  # the host pointer was named


def test_own_cuda_context(engine, samples, tmp_path):
    """pycuda.autoinit makes a context of its own: engines follow it."""
    pycuda = pytest.importorskip("pycuda")
    assert pycuda
    engine.save(tmp_path / "m.engine")
    np.save(tmp_path / "x.npy", samples)
    code = """
import sys, numpy as np
import pycuda.autoinit, pycuda.driver as cuda
import xinfer.tensorrt as trt
engine = trt.Runtime(trt.Logger()).deserialize_cuda_engine(open(sys.argv[1], "rb").read())
context = engine.create_execution_context()
x = np.load(sys.argv[2])[:2]
context.set_input_shape("x", x.shape)
given, got = cuda.to_device(x), cuda.mem_alloc(2 * 5 * 4)
assert context.execute_v2([given, got])
"""
    subprocess.run([sys.executable, "-c", code, tmp_path / "m.engine", tmp_path / "x.npy"], check=True)


def test_resnet50_script(tmp_path):
    """The script of test_tensorrt_scripts.py, its calibration data in memory of the GPU."""
    generator = ROOT / "bench" / "models" / "resnet50.py"
    subprocess.run([sys.executable, generator, tmp_path / "resnet50.onnx"], check=True)
    script = ROOT / "tests" / "python" / "scripts" / "drive_resnet50.py"
    outputs = []
    for arguments in ([], ["--cached"]):
        done = subprocess.run(
            [sys.executable, "-m", "xinfer.tensorrt", script, *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        outputs.append(done.stdout)
    assert "Engine built successfully with INT8 calibration." in outputs[0]
    assert (tmp_path / "first.engine").read_bytes() == (tmp_path / "second.engine").read_bytes()
    engines = [xinfer.Engine(tmp_path / f"{name}.engine") for name in ("first", "second")]
    assert all(e.targets[0].startswith("cuda:sm_") and e.int8_mac_share > 0.95 for e in engines)
    x = np.random.default_rng(5).normal(size=(4, 3, 224, 224)).astype(np.float32)
    np.testing.assert_array_equal(*(e(x) for e in engines))
