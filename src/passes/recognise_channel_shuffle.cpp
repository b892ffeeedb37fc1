#include "passes/recognise_channel_shuffle.h"

#include "passes/match.h"

namespace xinfer::passes {
namespace {

using ir::Dim;
using ir::Graph;
using ir::kNoNode;
using ir::NodeId;
using ir::SymbolicShape;
using ir::ValueId;

/// The value that the Gather's data was shuffled from, or kNoValue.
ValueId shuffled_from(const Graph& graph, ValueId data) {
  const NodeId back = producer_as<ir::Reshape>(graph, data);
  if (back == kNoNode) return ir::kNoValue;
  const NodeId transpose = producer_as<ir::Transpose>(graph, graph.node(back).inputs[0]);
  if (transpose == kNoNode ||
      op_as<ir::Transpose>(graph, transpose)->perm != std::vector<std::int64_t>{1, 0, 2}) {
    return ir::kNoValue;
  }
  const NodeId apart = producer_as<ir::Reshape>(graph, graph.node(transpose).inputs[0]);
  if (apart == kNoNode) return ir::kNoValue;
  const ValueId x = graph.node(apart).inputs[0];
  const SymbolicShape& shape = graph.value(x).shape;
  const SymbolicShape& split = graph.value(graph.node(apart).outputs[0]).shape;
  if (shape.size() != 4 || !shape[1].is_constant() || !split[1].is_constant()) return ir::kNoValue;
  const std::int64_t groups = split[1].constant();
  if (groups < 1 || shape[1].constant() % groups != 0) return ir::kNoValue;
  const Dim part(shape[1].constant() / groups);
  const SymbolicShape expected = {Dim(groups), shape[0], part, shape[2], shape[3]};
  const bool fits = split[0] == shape[0] * part && split[2] == shape[2] * shape[3] &&
                    graph.value(data).shape == expected;
  return fits ? x : ir::kNoValue;
}

void recognise(Graph& graph, NodeId id) {
  const auto* gather = op_as<ir::Gather>(graph, id);
  if (gather == nullptr || gather->axis != 0) return;
  const ir::Value& index = graph.value(graph.node(id).inputs[1]);
  if (!index.is_constant() || index.dtype != DType::kInt64 || !index.constant->shape().empty()) {
    return;
  }
  const ValueId data = graph.node(id).inputs[0];
  const ValueId x = shuffled_from(graph, data);
  if (x == ir::kNoValue) return;
  const std::int64_t groups = graph.value(data).shape[0].constant();
  const std::int64_t part = index.constant->values<std::int64_t>()[0];
  ir::Slice slice;
  slice.start = {0, part < 0 ? part + groups : part, 0, 0};
  slice.size = graph.value(graph.node(id).outputs[0]).shape;
  slice.step = {1, groups, 1, 1};
  rewrite(graph, id, std::move(slice), {x});
}

}  // namespace

Status recognise_channel_shuffle(Graph& graph) {
  for (NodeId id : graph.order()) recognise(graph, id);
  graph.remove_dead_nodes();
  return Status();
}

}  // namespace xinfer::passes
