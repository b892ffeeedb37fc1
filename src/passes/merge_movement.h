// Chains of the same movement become one step.
#pragma once

#include "core/status.h"
#include "ir/graph.h"

namespace xinfer::passes {

/// Transpose of Transpose, Reshape of Reshape, Slice of Slice, Clip of Clip: the second one reads
/// what the first one read. The first stays if others read it.
Status merge_movement(ir::Graph& graph);

}  // namespace xinfer::passes
