// A graph in the words of the public headers.
#pragma once

#include <string>
#include <vector>

#include "ir/graph.h"
#include "xinfer/builders/model_info.h"

namespace xinfer::compile {

/// Numbers, symbols or expressions, one a dimension.
std::vector<std::string> dims_of(const ir::Value& value);

std::vector<BindingInfo> describe_inputs(const ir::Graph& graph);
std::vector<BindingInfo> describe_outputs(const ir::Graph& graph);
/// Live nodes in execution order.
std::vector<builders::NodeInfo> describe_nodes(const ir::Graph& graph);

}  // namespace xinfer::compile
