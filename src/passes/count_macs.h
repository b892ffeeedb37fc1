// The multiply-accumulates of a node, for shares and reports.
#pragma once

#include <cstdint>

#include "ir/graph.h"

namespace xinfer::passes {

/// Sizes at which work is counted: batch symbols (the first dimension of a graph input) are 1,
/// every other symbol is kCountedSize, a size that the strides of common networks divide.
inline constexpr std::int64_t kCountedSize = 256;
ir::Bindings counted_sizes(const ir::Graph& graph);

/// Multiply-accumulates of a Conv or MatMul; 0 for every other op.
std::int64_t count_macs(const ir::Graph& graph, ir::NodeId node, const ir::Bindings& sizes);

}  // namespace xinfer::passes
