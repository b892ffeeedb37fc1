// Ranges of values that a cache made elsewhere cannot know.
#pragma once

#include "ir/graph.h"
#include "passes/precision_plan.h"

namespace xinfer::passes {

/// Reshape and Transpose move all elements and nothing else: where only one side has a range, the
/// other gets it. Values that simplify introduced (the parts of a merged projection) so keep the
/// ranges that a calibration cache of another tool has for the values they are read as.
RangeMap complete_ranges(const ir::Graph& graph, RangeMap ranges);

}  // namespace xinfer::passes
