// Arrays of Python (NumPy, DLPack) as tensors, and back, without copies.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <string>
#include <vector>

#include "xinfer/core/engine.h"

namespace xinfer::python {

namespace nb = nanobind;

/// A C-contiguous array in host memory.
using HostArray = nb::ndarray<nb::ro, nb::device::cpu, nb::c_contig>;

/// A C-contiguous array in host memory or in memory of a GPU.
using AnyArray = nb::ndarray<nb::ro>;

/// Whether an array's elements are in memory of a GPU.
bool is_on_gpu(const AnyArray& array);

/// As to_array, but also takes arrays in memory of a GPU, which must be C-contiguous.
AnyArray to_any_array(nb::handle object, const std::string& what);

/// The array as a run takes it; the array must outlive the run.
IoTensor io_tensor_of(const AnyArray& array, const std::string& what);

/// An object with DLPack over memory of GPU `ordinal`, which `owner` keeps.
nb::object to_gpu_array(std::uintptr_t address, const Shape& shape, DType dtype, int ordinal,
                        nb::object owner);

/// Any object with DLPack or the buffer protocol, or what numpy.asarray takes. A dense host array
/// is not copied. `what` names it in the error: `input "x"`.
HostArray to_array(nb::handle object, const std::string& what);

/// The array's elements, not copied; it must outlive the tensor.
Tensor view_of(const HostArray& array, const std::string& what);

/// As view_of, but the tensor keeps the array alive. May be dropped on any thread.
Tensor adopt(const HostArray& array, const std::string& what);

/// A NumPy array that keeps the tensor's memory alive.
nb::object to_numpy(Tensor tensor);

/// "float32" to kFloat32; throws Error for an unknown name.
DType parse_dtype(const std::string& name);

}  // namespace xinfer::python
