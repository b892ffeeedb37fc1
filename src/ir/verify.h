// Checks a graph's invariants; run after every pass.
#pragma once

#include "core/status.h"
#include "ir/graph.h"

namespace xinfer::ir {

/// SSA order, ids in range, unique names, operand counts, dtypes each op accepts, shapes equal to
/// what infer computes, scales present exactly on quantised values and finite and positive,
/// constants' tensors matching their value. A failure is kInternal: a pass broke the graph.
Status verify(const Graph& graph);

}  // namespace xinfer::ir
