#include "passes/hoist_transposes.h"

#include <algorithm>
#include <string>
#include <vector>

#include "ir/infer.h"
#include "passes/match.h"

namespace xinfer::passes {
namespace {

using ir::Graph;
using ir::kNoNode;
using ir::NodeId;
using ir::ValueId;

/// The Reshape [N, C, H, W] -> [N, C, H * W] that makes `value`, if only `user` reads it.
NodeId merging_reshape(const Graph& graph, ValueId value, NodeId user) {
  const NodeId reshape = producer_as<ir::Reshape>(graph, value);
  if (reshape == kNoNode || !only_feeds(graph, value, user)) return kNoNode;
  const ir::SymbolicShape& from = graph.value(graph.node(reshape).inputs[0]).shape;
  const ir::SymbolicShape& to = graph.value(value).shape;
  const bool merges = from.size() == 4 && to.size() == 3 && from[0] == to[0] && from[1] == to[1];
  return merges ? reshape : kNoNode;
}

/// What `reshape` made of [N, C, H, W] as [N, H * W, C].
Result<ValueId> add_channels_last(Graph& graph, NodeId reshape, NodeId position) {
  const ValueId x = graph.node(reshape).inputs[0];
  const ir::Value merged = graph.value(graph.node(reshape).outputs[0]);
  const NodeId transpose = graph.insert_node_before(position, "", ir::Transpose{{0, 2, 3, 1}}, {x},
                                                    {merged.name + "_channels_last"});
  XINFER_RETURN_IF_ERROR(ir::infer_node(graph, transpose));
  const NodeId joined = graph.insert_node_before(
      position, "", ir::Reshape{{merged.shape[0], merged.shape[2], merged.shape[1]}},
      {graph.node(transpose).outputs[0]}, {merged.name + "_rows"});
  add_origins(graph, joined, reshape);
  XINFER_RETURN_IF_ERROR(ir::infer_node(graph, joined));
  return graph.node(joined).outputs[0];
}

/// The Reshapes whose values `transpose` brings into another order, directly or through a Concat of
/// pixels; empty if that is not all it reads.
std::vector<NodeId> match(const Graph& graph, NodeId transpose) {
  const ValueId x = graph.node(transpose).inputs[0];
  if (const NodeId reshape = merging_reshape(graph, x, transpose); reshape != kNoNode) {
    return {reshape};
  }
  const NodeId concat = producer_as<ir::Concat>(graph, x);
  if (concat == kNoNode || op_as<ir::Concat>(graph, concat)->axis != 2) return {};
  if (!only_feeds(graph, x, transpose)) return {};
  std::vector<NodeId> reshapes;
  for (ValueId part : graph.node(concat).inputs) {
    reshapes.push_back(merging_reshape(graph, part, concat));
  }
  const bool all = std::find(reshapes.begin(), reshapes.end(), kNoNode) == reshapes.end();
  return all ? reshapes : std::vector<NodeId>{};
}

}  // namespace

Status hoist_transposes(Graph& graph) {
  const std::vector<NodeId> nodes = graph.order();
  for (NodeId id : nodes) {
    const auto* transpose = op_as<ir::Transpose>(graph, id);
    if (transpose == nullptr || transpose->perm != std::vector<std::int64_t>{0, 2, 1}) continue;
    const std::vector<NodeId> reshapes = match(graph, id);
    if (reshapes.empty()) continue;
    std::vector<ValueId> parts;
    for (NodeId reshape : reshapes) {
      XINFER_ASSIGN_OR_RETURN(const ValueId part, add_channels_last(graph, reshape, id));
      parts.push_back(part);
    }
    if (parts.size() == 1) {
      // The Transpose keeps its output and becomes the Reshape.
      const NodeId last = graph.value(parts[0]).producer;
      add_origins(graph, id, last);
      const ir::Op op = graph.node(last).op;
      const std::vector<ValueId> inputs = graph.node(last).inputs;
      rewrite(graph, id, op, inputs);
    } else {
      add_origins(graph, id, producer_as<ir::Concat>(graph, graph.node(id).inputs[0]));
      rewrite(graph, id, ir::Concat{1}, std::move(parts));
    }
  }
  graph.remove_dead_nodes();
  return Status();
}

}  // namespace xinfer::passes
