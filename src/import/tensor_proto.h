// ONNX's serialised tensors and element types.
#pragma once

#include <filesystem>

#include "core/status.h"
#include "xinfer/core/tensor.h"
#include "xinfer_onnx/onnx.pb.h"

namespace xinfer::import {

/// The graph's type for an ONNX element type: half-precision floats become float32. Unsupported
/// types (string, complex, 8-bit float, 4-bit and smaller) give kUnsupported naming them.
Result<DType> dtype_of_onnx(int onnx_type);

/// "float16", "string", "type 99": ONNX's name of an element type.
std::string onnx_type_name(int onnx_type);

/// The tensor's elements. Checks dimensions and element count against the bytes that are there
/// before it allocates. External data is read relative to `folder`; an empty folder refuses it.
Result<Tensor> read_tensor(const onnx::TensorProto& proto, const std::filesystem::path& folder);

}  // namespace xinfer::import
