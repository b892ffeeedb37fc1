// Turns a parsed ONNX model into a graph.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "import/onnx_import.h"
#include "xinfer_onnx/onnx.pb.h"

namespace xinfer::import {

/// `folder` holds external tensor data; empty if there is none.
Result<ir::Graph> import_model(const onnx::ModelProto& model, const std::filesystem::path& folder,
                               const ImportOptions& options, std::vector<std::string>& warnings);

}  // namespace xinfer::import
