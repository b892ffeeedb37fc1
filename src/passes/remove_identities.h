// Takes out nodes that change nothing, and gives ReLU its one form.
#pragma once

#include "core/status.h"
#include "ir/graph.h"

namespace xinfer::passes {

/// Reshape, Expand and Slice to the same shape, Transpose in order, Cast to the same type, Pad by
/// nothing, unbounded Clip, Concat of one, x + 0, x - 0, x * 1, x / 1, x ^ 1. ReLU and Max(x, 0)
/// become Clip.
Status remove_identities(ir::Graph& graph);

}  // namespace xinfer::passes
