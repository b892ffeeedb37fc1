// Which regions compute in INT8, and which of them hand on INT8 values.
#pragma once

#include <string>
#include <vector>

#include "ir/constraints.h"
#include "ir/graph.h"
#include "passes/int8_support.h"
#include "passes/precision_plan.h"
#include "passes/regions.h"

namespace xinfer::passes {

/// A region (every live node is in exactly one; most ops form one of their own) and its precision.
struct PlannedRegion {
  Region region;
  Int8Form form = Int8Form::kNone;
  bool int8 = false;         ///< computes on INT8 operands
  bool int8_output = false;  ///< its output exists in INT8 and nowhere in float
  std::string obstacle;      ///< why it is not INT8
};

struct RegionChoice {
  std::vector<PlannedRegion> regions;  ///< in the order of their last nodes
  std::vector<int> region_of;          ///< by node id; -1 for removed nodes
  std::vector<bool> wanted;            ///< by value id: some region reads it as INT8
};

/// Accumulators (Conv, MatMul) are INT8 wherever nothing forbids it: they do the work. All else is
/// INT8 only where it saves conversions: between INT8 producers and INT8 readers.
RegionChoice choose_int8_regions(const ir::Graph& graph, const RangeMap& ranges,
                                 const ir::Constraints& constraints);

/// The last rule that matches the node's name, one of its origins or an output value's name; null
/// if none does.
const ir::PrecisionRule* matching_rule(const ir::Graph& graph, ir::NodeId node,
                                       const ir::Constraints& constraints);

/// True if the pattern matches some node as rules do.
bool matches_any_node(const ir::Graph& graph, const std::string& pattern);

/// Why the user's rules keep a node from INT8; empty if they do not.
std::string constraint_obstacle(const ir::Graph& graph, ir::NodeId node,
                                const ir::Constraints& constraints);

}  // namespace xinfer::passes
