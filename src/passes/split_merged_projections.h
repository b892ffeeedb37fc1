// One MatMul whose columns are taken apart again becomes one MatMul for each part.
#pragma once

#include "core/status.h"
#include "ir/graph.h"

namespace xinfer::passes {

/// Attention layers compute Q, K and V by one MatMul with constant weights, then Reshape, Transpose
/// and pick the parts by Gather or Slice. With a MatMul each, every part is quantised by a range of
/// its own or stays float, and no step moves the merged tensor. Applied where all readers of the
/// merged value are such picks along one axis that splits the columns.
Status split_merged_projections(ir::Graph& graph);

}  // namespace xinfer::passes
