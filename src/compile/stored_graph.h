// A fused graph inside an engine, for plans that are made when their sizes are known.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "core/status.h"
#include "ir/graph.h"
#include "lower/cuda/cuda_target.h"
#include "lower/cuda/lower_cuda.h"

namespace xinfer::compile {

/// The engine's attachment that holds it.
inline constexpr const char* kStoredGraph = "xinfer.graph";

struct StoredGraph {
  ir::Graph graph;
  lower::NodePrecisions precisions;
  lower::CudaBackend backend = lower::CudaBackend::kAuto;
};

std::string write_stored_graph(const StoredGraph& stored);

/// Fails with incompatible_engine for bytes that write_stored_graph did not write.
Result<StoredGraph> read_stored_graph(std::span<const std::byte> bytes);

}  // namespace xinfer::compile
