"""Runs a TensorRT script without editing it.

    python -m xinfer.tensorrt [--as VERSION] [--device auto|cpu|cuda] SCRIPT [ARGUMENTS…]

`tensorrt` always means xinfer.tensorrt, whether or not TensorRT is installed. `pycuda`, `cuda.cuda`,
`cuda.cudart`, `cuda.bindings` and a `libcudart.so` that is loaded by `ctypes` mean xinfer.cuda, whose device
memory is a GPU's or, without one, host memory; where a GPU is the device and the real packages work, they mean those.
"""

from __future__ import annotations

import argparse
import importlib
import pathlib
import runpy
import sys
import types

import xinfer.cuda
import xinfer.cuda.driver
import xinfer.cuda.runtime
import xinfer.tensorrt
from xinfer.cuda._library import redirect_ctypes


def _package(name: str, **attributes: types.ModuleType) -> types.ModuleType:
    module = types.ModuleType(name, f"{name}, as xinfer offers it.")
    module.__path__ = []
    for key, value in attributes.items():
        setattr(module, key, value)
    return module


def _works(module: str) -> bool:
    try:
        importlib.import_module(module)
    except Exception:  # noqa: BLE001: a package may fail in any way where its libraries are missing
        return False
    return True


def redirect_imports() -> None:
    """Lets the names that scripts import mean ours, in this process."""
    import xinfer.cuda.autoinit  # chooses the device

    driver, autoinit, runtime = xinfer.cuda, xinfer.cuda.autoinit, xinfer.cuda.runtime
    tools = _package("pycuda.tools")
    tools.make_default_context = lambda *_: driver.Device(0).make_context()
    tools.clear_context_caches = lambda: None
    calls = xinfer.cuda.driver
    compiler = _package("cuda.bindings.nvrtc", nvrtcResult=runtime.nvrtcResult)
    bindings = _package("cuda.bindings", driver=calls, nvrtc=compiler, runtime=runtime)
    pycuda = _package("pycuda", driver=driver, autoinit=autoinit, tools=tools)
    pycuda.VERSION, pycuda.VERSION_TEXT = (2024, 1), "2024.1"
    ours = {
        "tensorrt": xinfer.tensorrt,
        "tensorrt.tensorrt": xinfer.tensorrt,
        "pycuda": pycuda,
        "pycuda.driver": driver,
        "pycuda.autoinit": autoinit,
        "pycuda.autoprimaryctx": autoinit,
        "pycuda.tools": tools,
        "cuda": _package("cuda", bindings=bindings, cuda=calls, cudart=runtime, nvrtc=compiler),
        "cuda.bindings": bindings,
        "cuda.bindings.driver": calls,
        "cuda.bindings.nvrtc": compiler,
        "cuda.bindings.runtime": runtime,
        "cuda.cuda": calls,
        "cuda.cudart": runtime,
        "cuda.nvrtc": compiler,
    }
    for package, module in (("pycuda", "pycuda.driver"), ("cuda", "cuda.bindings.runtime")):
        if driver.device_kind() == "cuda" and _works(module):
            ours = {name: made for name, made in ours.items() if name.partition(".")[0] != package}
    sys.modules.update(ours)
    if "cuda" in ours:
        redirect_ctypes()
    else:
        _keep_old_names_of_cuda_python()


def _keep_old_names_of_cuda_python() -> None:
    """cuda.cuda, cuda.cudart and cuda.nvrtc: cuda-python 12's names of modules that 13 has under cuda.bindings alone."""
    package = importlib.import_module("cuda")
    for old, new in (("cuda", "driver"), ("cudart", "runtime"), ("nvrtc", "nvrtc")):
        if not _works(f"cuda.{old}") and _works(f"cuda.bindings.{new}"):
            module = sys.modules[f"cuda.bindings.{new}"]
            sys.modules[f"cuda.{old}"] = module
            setattr(package, old, module)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m xinfer.tensorrt", description="Runs a TensorRT script on xinfer, without editing it."
    )
    parser.add_argument("--as", dest="version", metavar="VERSION", help="what tensorrt.__version__ says, as 8.6")
    parser.add_argument(
        "--device", choices=("auto", "cpu", "cuda"), default="auto", help="default: the GPU if there is one"
    )
    parser.add_argument("script", help="the Python script")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="its arguments")
    options = parser.parse_args()
    script = pathlib.Path(options.script)
    if not script.is_file():
        parser.error(f"{script}: no such file")
    if options.version:
        xinfer.tensorrt.compat_version(options.version)
    xinfer.cuda.use(options.device)
    redirect_imports()
    sys.argv = [str(script), *options.arguments]
    sys.path[0] = str(script.resolve().parent)
    runpy.run_path(str(script), run_name="__main__")


if __name__ == "__main__":
    main()
