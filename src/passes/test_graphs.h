// What the tests of the passes share: a short text of a graph, and ranges for all of its values.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "ir/build.h"
#include "ir/verify.h"
#include "passes/pipeline.h"

namespace xinfer::passes {

/// One entry a node: "y:u8 = Conv(x, w, _, r) residual clip". Types only where quantised.
std::vector<std::string> nodes_of(const ir::Graph& graph);

/// Runs a pass twice, verifying: the second run must change nothing.
void run_twice(ir::Graph& graph, const std::function<Status(ir::Graph&)>& pass);

/// The same threshold for every float value.
RangeMap ranges_for(const ir::Graph& graph, double threshold = 4.0);

/// plan, insert_qdq and fuse, verified after each.
struct QuantizedGraph {
  ir::Graph graph;
  PrecisionPlan plan;
};
QuantizedGraph quantize_graph(const ir::Graph& graph, const RangeMap& ranges,
                              const ir::Constraints& constraints = {});

/// The plan's words for the node that produces `value` in the graph it was made for.
std::string reason_for(const ir::Graph& graph, const PrecisionPlan& plan, const std::string& value);

/// How many nodes hold a T.
template <typename T>
int count_ops(const ir::Graph& graph) {
  int count = 0;
  for (ir::NodeId id : graph.order()) count += std::holds_alternative<T>(graph.node(id).op);
  return count;
}

}  // namespace xinfer::passes
