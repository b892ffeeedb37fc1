// The grid (u8 or s8, and the scale) of every value that exists in INT8.
#pragma once

#include <map>

#include "ir/constraints.h"
#include "ir/graph.h"
#include "passes/choose_int8_regions.h"
#include "passes/precision_plan.h"

namespace xinfer::passes {

/// Values that one grid joins: what a movement op reads and writes; a Concat's output with the
/// inputs that only it reads, and with others whose range is nearly its own. Every other input of a
/// Concat keeps its grid and gets a conversion.
std::map<ir::ValueId, ValueQuantization> choose_scales(const ir::Graph& graph,
                                                       const RegionChoice& choice,
                                                       const RangeMap& ranges,
                                                       const ir::Constraints& constraints);

}  // namespace xinfer::passes
