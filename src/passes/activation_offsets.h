// Functions that reach a little below zero (SiLU, GELU, hard swish), lifted to zero so that their
// tables may write u8: one more bit.
#pragma once

#include <vector>

#include "ir/constraints.h"
#include "ir/graph.h"
#include "passes/choose_int8_regions.h"
#include "passes/precision_plan.h"

namespace xinfer::passes {

/// What to add to values that exist in INT8 so that none is negative. A table's value gets the
/// function's own distance below zero (GELU's is 0.17), a sum the sum of its operands' offsets, a
/// Concat one a channel. A value has an offset only if all that read it can take it back exactly:
/// Conv without padding and MatMul with constant weights do so by their bias; max pooling, nearest
/// Resize, Slice, Concat, Reshape, Transpose, Gather, Add and residuals hand it on. Behind a padded
/// convolution zero would not be zero any more, so its input stays as it is; so do values that
/// float nodes read and ranges set by hand. Offsets near the threshold would gain nothing and are
/// not taken. `non_negative` is by value id.
ActivationOffsets find_activation_offsets(const ir::Graph& graph, const RegionChoice& choice,
                                          const RangeMap& ranges,
                                          const ir::Constraints& constraints,
                                          const std::vector<bool>& non_negative);

/// Rewrites the graph as the plan's offsets say: functions get theirs, and the biases of the layers
/// that read them take it back; where a table's input is moved, the layer's bias does it and the
/// function takes it back. In float nothing changes but rounding. Values with an offset are called
/// NAME_offset.
void apply_offsets(ir::Graph& graph, const PrecisionPlan& plan);

}  // namespace xinfer::passes
