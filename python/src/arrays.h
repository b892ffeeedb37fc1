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
