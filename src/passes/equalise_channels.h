// Moves the spread of a value's channels into the weights around it, so that one INT8 scale serves
// them all.
#pragma once

#include <string>

#include "ir/constraints.h"
#include "ir/graph.h"
#include "passes/precision_plan.h"

namespace xinfer::passes {

/// For every group of find_channel_groups: divides what its writers make by a factor a channel and
/// multiplies the readers' weights by the same. In float nothing changes but rounding. With r_c the
/// largest share of its value's range that channel c reaches in any value of the group, the factors
/// are r_c^e; e of 1/4, 1/2, 3/4 or 1 is the one of least expected error at the readers' outputs,
/// counting the rounding of activations and of weights, and nothing is done where none improves on
/// the ranges as they are. Behind a LayerNorm this is SmoothQuant (Xiao et al., ICML 2023), along a
/// linear residual stream cross-layer equalisation (Nagel et al., ICCV 2019).
///
/// Rewritten values are called NAME_equalised and get ranges of their own. Needs `channel_amax` in
/// the ranges of all values of a group that a reader reads; a group with a range set by hand is
/// left alone.
void equalise_channels(ir::Graph& graph, RangeMap& ranges, const ir::Constraints& constraints);

/// NAME for NAME_equalised: what the model calls a value. Others are returned as they are.
std::string name_before_equalising(const std::string& name);

}  // namespace xinfer::passes
