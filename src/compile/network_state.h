// What a Network holds: the graph and the demands on it.
#pragma once

#include "ir/constraints.h"
#include "ir/graph.h"
#include "xinfer/builders/network.h"

namespace xinfer::builders {

struct Network::State {
  ir::Graph graph;
  ir::Constraints constraints;

  /// Appends a layer and finds its output's type. On an error the graph is as before. A layer
  /// without a name takes the operator's.
  Value add(ir::Op op, const std::vector<Value>& inputs, const std::string& name);

  /// The value behind a handle; throws Error if it belongs to no value of this network.
  const ir::Value& value(Value handle) const;
};

}  // namespace xinfer::builders
