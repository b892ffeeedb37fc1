#include "passes/merge_movement.h"

#include <algorithm>
#include <optional>

#include "passes/match.h"

namespace xinfer::passes {
namespace {

using ir::Graph;
using ir::NodeId;

// Each overload gives the one op that does first, then second.

ir::Op merged(const ir::Transpose& first, const ir::Transpose& second) {
  ir::Transpose both;
  for (std::int64_t axis : second.perm) {
    both.perm.push_back(first.perm[static_cast<std::size_t>(axis)]);
  }
  return both;
}

ir::Op merged(const ir::Reshape&, const ir::Reshape& second) { return second; }

ir::Op merged(const ir::Slice& first, const ir::Slice& second) {
  ir::Slice both;
  both.size = second.size;
  for (std::size_t axis = 0; axis < first.step.size(); ++axis) {
    both.start.push_back(first.start[axis] + ir::Dim(first.step[axis]) * second.start[axis]);
    both.step.push_back(first.step[axis] * second.step[axis]);
  }
  return both;
}

/// min(max(min(max(x, a), b), c), d) clips to [clamp(a, c, d), clamp(b, c, d)].
ir::Op merged(const ir::Clip& first, const ir::Clip& second) {
  return ir::Clip{std::min(std::max(first.low, second.low), second.high),
                  std::min(std::max(first.high, second.low), second.high)};
}

template <typename Op>
void merge_pair(Graph& graph, NodeId second) {
  const auto* op = op_as<Op>(graph, second);
  if (op == nullptr) return;
  const NodeId first = producer_as<Op>(graph, graph.node(second).inputs[0]);
  if (first == ir::kNoNode) return;
  add_origins(graph, second, first);
  rewrite(graph, second, merged(*op_as<Op>(graph, first), *op), {graph.node(first).inputs[0]});
}

}  // namespace

Status merge_movement(Graph& graph) {
  // In execution order, so that a chain of any length collapses in one sweep.
  for (NodeId id : graph.order()) {
    merge_pair<ir::Transpose>(graph, id);
    merge_pair<ir::Reshape>(graph, id);
    merge_pair<ir::Slice>(graph, id);
    merge_pair<ir::Clip>(graph, id);
  }
  graph.remove_dead_nodes();
  return Status();
}

}  // namespace xinfer::passes
