// From the fused graph to a plan for the CPU: layouts, kernel families, packed weights, memory.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "core/status.h"
#include "engine/engine_file.h"
#include "ir/graph.h"

namespace xinfer::lower {

/// Bounds of one symbol of the graph's dynamic dimensions.
struct SymbolRange {
  std::int64_t min = 1;
  std::int64_t opt = 1;
  std::int64_t max = 1;
};
using SymbolRanges = std::map<std::string, SymbolRange>;

/// Lowers `graph` for the target "cpu": appends weights to `blobs` and returns the plan, its memory
/// planned for the largest shapes. Every symbol of the graph's inputs needs a range; fails, naming
/// symbol and input, where one is missing, and naming the node where an op has no kernel.
Result<std::unique_ptr<engine::fb::PlanT>> lower_cpu(const ir::Graph& graph,
                                                     const SymbolRanges& symbols,
                                                     engine::BlobWriter& blobs);

}  // namespace xinfer::lower
