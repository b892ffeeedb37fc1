// Tensors whose bytes lie in a file beside the model.
#pragma once

#include <filesystem>
#include <string>

#include "core/status.h"
#include "xinfer_onnx/onnx.pb.h"

namespace xinfer::import {

/// Reads exactly `size_bytes` of a tensor from the file it names, which must lie in `folder` or
/// below (links resolved). An empty `folder` means that the model has none: kUnsupported.
Result<std::string> read_external_data(const onnx::TensorProto& proto,
                                       const std::filesystem::path& folder, std::size_t size_bytes);

}  // namespace xinfer::import
