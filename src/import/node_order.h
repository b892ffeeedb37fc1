// Execution order of a model's nodes.
#pragma once

#include <vector>

#include "core/status.h"
#include "xinfer_onnx/onnx.pb.h"

namespace xinfer::import {

/// Indices of the graph's nodes such that every node stands behind the nodes that give its inputs
/// (and those that its subgraphs read). Nodes that are in order already stay as they are. A cycle
/// or a value given twice is kInvalidModel.
Result<std::vector<int>> node_order(const onnx::GraphProto& graph);

}  // namespace xinfer::import
