// Adding nodes to the graph under construction, with their types known at once.
#pragma once

#include <string>
#include <vector>

#include "core/status.h"
#include "ir/graph.h"

namespace xinfer::import {

/// Appends a node and infers its outputs. Dimensions so large that a model cannot mean them are
/// refused, which keeps the arithmetic of shapes far from overflow.
Result<ir::NodeId> emit_node(ir::Graph& graph, std::string name, ir::Op op,
                             std::vector<ir::ValueId> inputs,
                             std::vector<std::string> output_names);

/// The same for a node of one output; gives the output.
Result<ir::ValueId> emit(ir::Graph& graph, std::string name, ir::Op op,
                         std::vector<ir::ValueId> inputs, std::string output_name);

/// Refuses dimensions that are negative, larger than 2^31, or whose product passes 2^40, and
/// expressions that no model means (expression.h).
Status check_extent(const std::string& name, const ir::SymbolicShape& shape);

}  // namespace xinfer::import
