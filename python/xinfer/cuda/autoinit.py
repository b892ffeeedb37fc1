"""Stands for `pycuda.autoinit`: a device and a context, made by importing it."""

from xinfer import cuda

device = cuda.Device(0)
context = device.make_context()
