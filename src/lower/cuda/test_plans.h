// How the tests of the CUDA lowering make plans, and what they look at.
#pragma once

#include <string>
#include <vector>

#include "ir/graph.h"
#include "lower/cuda/lower_cuda.h"

namespace xinfer::lower {

inline Result<OpenCudaPlan> lower(const ir::Graph& graph, const NodePrecisions& precisions = {},
                                  const std::string& architecture = "sm_90a",
                                  CudaBackend backend = CudaBackend::kAuto) {
  const SymbolRanges symbols = {{"batch", {1, 8, 64}}, {"height", {8, 16, 32}}};
  engine::BlobWriter blobs;
  return lower_cuda(graph, symbols, make_cuda_target(architecture, backend).value(), blobs,
                    precisions);
}

/// All of the graph's float layers in FP16.
inline NodePrecisions all_half(const ir::Graph& graph) {
  NodePrecisions precisions;
  for (const ir::NodeId id : graph.order()) {
    precisions[graph.node(id).name] = ir::Precision::kFp16;
  }
  return precisions;
}

/// Of the plan's launches, in order.
inline std::vector<std::string> families(const OpenCudaPlan& open) {
  std::vector<std::string> result;
  for (const auto& step : open.plan->steps) result.push_back(step->params.AsCuda()->family);
  return result;
}

}  // namespace xinfer::lower
