// The grid (u8 or s8, and the scale) of every value that exists in INT8.
#pragma once

#include <map>
#include <vector>

#include "ir/constraints.h"
#include "ir/graph.h"
#include "passes/choose_int8_regions.h"
#include "passes/precision_plan.h"

namespace xinfer::passes {

/// What is known about signs: values that cannot be negative (by id), and offsets that make others
/// so.
struct Signs {
  const std::vector<bool>& non_negative;
  const ActivationOffsets& offsets;
  bool centers_tables = false;  ///< may a layer move its result to the middle of a table's grid?
};

struct Grids {
  std::map<ir::ValueId, ValueQuantization> values;
  std::map<ir::NodeId, double> table_inputs;  ///< by a table's node: what its layer adds for it
};

/// Values that one grid joins: what a movement op reads and writes; a Concat's output with the
/// inputs that only it reads, and with others whose range is nearly its own. Every other input of a
/// Concat keeps its grid and gets a conversion. What only a table reads has the least range that
/// the table's output can show; if its layer has a constant bias, that moves the range's middle to
/// 0.
Grids choose_scales(const ir::Graph& graph, const RegionChoice& choice, const RangeMap& ranges,
                    const ir::Constraints& constraints, const Signs& signs);

}  // namespace xinfer::passes
