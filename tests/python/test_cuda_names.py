"""xinfer.cuda under the names of pycuda, cuda-python and the CUDA runtime library, on host memory."""

import ctypes
import os
import subprocess
import sys

import numpy as np
import pytest
from xinfer import cuda
from xinfer.cuda import driver, runtime
from xinfer.cuda._library import RuntimeLibrary

HOST_TO_DEVICE = runtime.cudaMemcpyKind.cudaMemcpyHostToDevice
DEVICE_TO_HOST = runtime.cudaMemcpyKind.cudaMemcpyDeviceToHost


def test_runtime_calls_return_codes():
    error, memory = runtime.cudaMalloc(16)
    assert error == runtime.cudaError_t.cudaSuccess
    sent, received = np.arange(4, dtype=np.float32), np.zeros(4, np.float32)
    assert runtime.cudaMemcpy(memory, sent.ctypes.data, 16, HOST_TO_DEVICE) == (0,)
    assert runtime.cudaMemcpy(received.ctypes.data, memory, 16, DEVICE_TO_HOST) == (0,)
    np.testing.assert_array_equal(received, sent)
    assert runtime.cudaMemcpy(memory, sent.ctypes.data, 17, HOST_TO_DEVICE)[0] != 0  # past its end
    assert runtime.cudaFree(memory) == (0,)
    assert runtime.cudaFree(memory)[0] == runtime.cudaError_t.cudaErrorInvalidValue


def test_driver_calls_return_codes():
    assert driver.cuInit(0) == (driver.CUresult.CUDA_SUCCESS,)
    assert driver.cuDeviceGet(0) == (0, 0) and driver.cuDeviceGet(1)[0] == driver.CUresult.CUDA_ERROR_INVALID_DEVICE
    for arguments in ((0, 0), (None, 0, 0)):  # CUDA 12 and 13
        error, context = driver.cuCtxCreate(*arguments)
        assert error == 0 and driver.cuCtxDestroy(context) == (0,)
    error, memory = driver.cuMemAlloc(8)
    sent, received = np.arange(2, dtype=np.int32), np.zeros(2, np.int32)
    assert driver.cuMemcpyHtoD(memory, sent.ctypes.data, 8) == (0,)
    assert driver.cuMemcpyDtoH(received.ctypes.data, memory, 8) == (0,)
    np.testing.assert_array_equal(received, sent)
    assert driver.cuMemFree(memory) == (0,)
    assert driver.cuMemFree(memory)[0] == driver.CUresult.CUDA_ERROR_INVALID_VALUE
    assert driver.cuGetErrorName(driver.CUresult.CUDA_ERROR_INVALID_VALUE)[1] == b"CUDA_ERROR_INVALID_VALUE"


def test_runtime_library_has_c_signatures():
    library = RuntimeLibrary("libcudart.so.12")
    library.cudaMalloc.argtypes = [ctypes.c_void_p, ctypes.c_size_t]  # as callers declare them
    memory, stream = ctypes.c_void_p(), ctypes.c_void_p()
    assert library.cudaMalloc(ctypes.byref(memory), ctypes.c_size_t(8)) == 0 and memory.value
    assert library.cudaStreamCreate(ctypes.pointer(stream)) == 0
    sent, received = np.arange(2, dtype=np.float32), np.zeros(2, np.float32)
    size = ctypes.c_size_t(8)
    assert library.cudaMemcpyAsync(memory, ctypes.c_void_p(sent.ctypes.data), size, ctypes.c_int(1), stream) == 0
    assert library.cudaMemcpy(ctypes.c_void_p(received.ctypes.data), memory, size, ctypes.c_int(2)) == 0
    np.testing.assert_array_equal(received, sent)
    assert library.cudaStreamSynchronize(stream) == 0 and library.cudaStreamDestroy(stream) == 0
    assert library.cudaFree(memory) == 0 and library.cudaFree(memory) == 1
    assert library.cudaGetErrorString(1) == b"ErrorInvalidValue"
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    assert library.cudaMemGetInfo(ctypes.byref(free), ctypes.byref(total)) == 0 and 0 < free.value <= total.value
    with pytest.raises(AttributeError, match="cudaNoSuchCall"):
        library.cudaNoSuchCall  # noqa: B018


def test_runner_redirects_every_way_to_cuda(tmp_path):
    script = tmp_path / "imports.py"
    script.write_text(
        "import ctypes\n"
        "import pycuda.autoinit, pycuda.driver\n"
        "from cuda import cuda, cudart\n"
        "from cuda.bindings import driver, nvrtc, runtime\n"
        "import tensorrt as trt\n"
        "assert trt.tensorrt is trt and cuda is driver and cudart is runtime\n"
        "library, count = ctypes.CDLL('libcudart.so.12'), ctypes.c_int()\n"
        "assert library.cudaGetDeviceCount(ctypes.byref(count)) == 0 and count.value == 1\n"
        "assert ctypes.CDLL(None).getpid() > 0 and ctypes.cdll.LoadLibrary('libm.so.6').fabs\n"
    )
    command = [sys.executable, "-m", "xinfer.tensorrt", "--device", "cpu", script]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_installed_packages_of_these_names_are_not_imported(tmp_path):
    """TensorRT 11, which has no calibrators, may be there; and pycuda without a GPU to use."""
    for name in ("tensorrt", "pycuda", "cuda"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise ImportError('not this one')\n")
    script = tmp_path / "script.py"
    script.write_text(
        "import pycuda.autoinit, pycuda.driver, tensorrt as trt\n"
        "from cuda.bindings import runtime\n"
        "print(trt.__name__, pycuda.driver.__name__, runtime.__name__, hasattr(trt, 'IInt8EntropyCalibrator2'))\n"
    )
    command = [sys.executable, "-m", "xinfer.tensorrt", "--device", "cpu", script]
    path = [str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path, env={**os.environ, "PYTHONPATH": os.pathsep.join(path)}
    )
    assert done.stdout.split() == ["xinfer.tensorrt", "xinfer.cuda", "xinfer.cuda.runtime", "True"], done.stderr


def test_pycuda_errors_are_logic_errors():
    memory = cuda.mem_alloc(8)
    with pytest.raises(cuda.LogicError, match="8 left"):
        cuda.memcpy_htod(memory, np.zeros(3, np.float32))
    memory.free()
    with pytest.raises(cuda.LogicError, match="freed"):
        cuda.memcpy_htod(memory, np.zeros(2, np.float32))
