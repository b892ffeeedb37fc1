#include "passes/split_merged_projections.h"

#include <algorithm>
#include <numeric>
#include <optional>

#include "ir/infer.h"
#include "passes/channel_affine.h"
#include "passes/match.h"

namespace xinfer::passes {
namespace {

using ir::Graph;
using ir::kNoNode;
using ir::kNoValue;
using ir::NodeId;
using ir::ValueId;

/// One part taken out of the merged value: index `index` of its axis `axis`.
struct Pick {
  NodeId node = kNoNode;
  std::int64_t axis = 0;
  std::int64_t index = 0;
  bool keeps_axis = false;  ///< Slice leaves an axis of 1, Gather by a scalar none
};

/// MatMul -> Reshape -> Transpose (optional) -> picks.
struct MergedProjection {
  NodeId matmul = kNoNode;
  ir::SymbolicShape leading;          ///< of the MatMul's output, without the columns
  std::vector<std::int64_t> factors;  ///< what Reshape makes of the columns
  std::vector<std::int64_t> perm;     ///< of the Transpose; in order if there is none
  std::vector<Pick> picks;
};

std::optional<Pick> match_gather(const Graph& graph, NodeId id) {
  const auto* gather = op_as<ir::Gather>(graph, id);
  if (gather == nullptr) return std::nullopt;
  const ir::Value& index = graph.value(graph.node(id).inputs[1]);
  if (!index.is_constant() || !index.constant->shape().empty()) return std::nullopt;
  std::int64_t number = 0;
  if (index.dtype == DType::kInt64) {
    number = index.constant->values<std::int64_t>()[0];
  } else if (index.dtype == DType::kInt32) {
    number = index.constant->values<std::int32_t>()[0];
  } else {
    return std::nullopt;
  }
  const ir::Dim& size =
      graph.value(graph.node(id).inputs[0]).shape[static_cast<std::size_t>(gather->axis)];
  if (!size.is_constant()) return std::nullopt;
  if (number < 0) number += size.constant();
  return Pick{id, gather->axis, number, false};
}

/// A Slice of one element along exactly one axis.
std::optional<Pick> match_slice(const Graph& graph, NodeId id) {
  const auto* slice = op_as<ir::Slice>(graph, id);
  if (slice == nullptr) return std::nullopt;
  const ir::SymbolicShape& shape = graph.value(graph.node(id).inputs[0]).shape;
  std::optional<Pick> pick;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if (slice->size[axis] == shape[axis] && slice->step[axis] == 1) continue;
    if (pick || slice->size[axis] != ir::Dim(1) || !slice->start[axis].is_constant()) {
      return std::nullopt;
    }
    pick = Pick{id, static_cast<std::int64_t>(axis), slice->start[axis].constant(), true};
  }
  return pick;
}

/// All readers of `value` as picks along one axis; empty if they are anything else.
std::vector<Pick> match_picks(const Graph& graph, ValueId value) {
  if (graph.is_graph_output(value)) return {};
  std::vector<Pick> picks;
  for (NodeId user : graph.users(value)) {
    std::optional<Pick> pick = match_gather(graph, user);
    if (!pick) pick = match_slice(graph, user);
    if (!pick || (!picks.empty() && picks.front().axis != pick->axis)) return {};
    picks.push_back(*pick);
  }
  return picks;
}

/// The trailing dimensions that Reshape makes of the columns, or nothing if it moves others too.
std::optional<std::vector<std::int64_t>> split_columns(const ir::SymbolicShape& merged,
                                                       const ir::SymbolicShape& reshaped) {
  const std::size_t leading = merged.size() - 1;
  if (reshaped.size() <= merged.size() ||
      !std::equal(merged.begin(), merged.end() - 1, reshaped.begin())) {
    return std::nullopt;
  }
  return constant_shape({reshaped.begin() + static_cast<std::ptrdiff_t>(leading), reshaped.end()});
}

std::optional<MergedProjection> match(const Graph& graph, NodeId id) {
  if (!op_as<ir::MatMul>(graph, id) || !can_scale_channels(graph, id)) return std::nullopt;
  const ValueId merged = graph.node(id).outputs[0];
  const NodeId reshape = sole_user(graph, merged);
  if (!op_as<ir::Reshape>(graph, reshape)) return std::nullopt;
  ValueId value = graph.node(reshape).outputs[0];
  const ir::SymbolicShape& shape = graph.value(merged).shape;
  MergedProjection found;
  const auto factors = split_columns(shape, graph.value(value).shape);
  if (!factors) return std::nullopt;
  found.matmul = id;
  found.leading = {shape.begin(), shape.end() - 1};
  found.factors = *factors;
  found.perm.resize(graph.value(value).shape.size());
  std::iota(found.perm.begin(), found.perm.end(), std::int64_t{0});
  const NodeId transpose = sole_user(graph, value);
  if (const auto* op = op_as<ir::Transpose>(graph, transpose)) {
    found.perm = op->perm;
    value = graph.node(transpose).outputs[0];
  }
  found.picks = match_picks(graph, value);
  if (found.picks.size() < 2) return std::nullopt;
  const std::int64_t axis = found.perm[static_cast<std::size_t>(found.picks.front().axis)];
  return axis >= static_cast<std::int64_t>(found.leading.size()) ? std::optional(found)
                                                                 : std::nullopt;
}

/// The columns n of the merged product whose digit `position` in the mixed radix `factors` is
/// `index`, in order.
std::vector<std::int64_t> picked_columns(const std::vector<std::int64_t>& factors,
                                         std::size_t position, std::int64_t index) {
  const std::int64_t count =
      std::accumulate(factors.begin(), factors.end(), std::int64_t{1}, std::multiplies<>());
  const std::int64_t inner =
      std::accumulate(factors.begin() + static_cast<std::ptrdiff_t>(position) + 1, factors.end(),
                      std::int64_t{1}, std::multiplies<>());
  std::vector<std::int64_t> columns;
  for (std::int64_t n = 0; n < count; ++n) {
    if (n / inner % factors[position] == index) columns.push_back(n);
  }
  return columns;
}

Tensor select(const Tensor& tensor, std::size_t axis, const std::vector<std::int64_t>& kept) {
  Shape shape = tensor.shape();
  const std::int64_t present = shape[axis];
  shape[axis] = static_cast<std::int64_t>(kept.size());
  std::int64_t outer = 1, inner = 1;
  for (std::size_t i = 0; i < axis; ++i) outer *= shape[i];
  for (std::size_t i = axis + 1; i < shape.size(); ++i) inner *= shape[i];
  Tensor result(DType::kFloat32, shape);
  const float* from = tensor.values<float>().data();
  float* to = result.values<float>().data();
  for (std::int64_t o = 0; o < outer; ++o) {
    for (std::int64_t index : kept) {
      to = std::copy_n(from + (o * present + index) * inner, inner, to);
    }
  }
  return result;
}

/// MatMul of the picked columns, in front of the pick.
ValueId add_matmul(Graph& graph, const MergedProjection& merged, const Pick& pick,
                   const std::vector<std::int64_t>& columns, const std::string& base) {
  const ir::MatMul op = *op_as<ir::MatMul>(graph, merged.matmul);
  const std::vector<ValueId> sources = graph.node(merged.matmul).inputs;
  const Tensor weights = *graph.value(sources[1]).constant;
  std::vector<ValueId> inputs = {
      sources[0],
      graph.add_constant(base + "_weights", select(weights, op.transpose_b ? 0 : 1, columns))};
  if (sources.size() > 2 && sources[2] != kNoValue) {
    const Tensor bias = *graph.value(sources[2]).constant;
    inputs.push_back(graph.add_constant(base + "_bias", select(bias, 0, columns)));
  }
  const std::string name = fmt::format("{}_{}", graph.node(merged.matmul).name, pick.index);
  const NodeId node =
      graph.insert_node_before(pick.node, name, op, std::move(inputs), {base + "_projected"});
  add_origins(graph, node, merged.matmul);
  return graph.node(node).outputs[0];
}

Status replace_pick(Graph& graph, const MergedProjection& merged, const Pick& pick) {
  const std::string base = graph.value(graph.node(pick.node).outputs[0]).name;
  const std::int64_t axis = merged.perm[static_cast<std::size_t>(pick.axis)];
  const std::size_t position = static_cast<std::size_t>(axis) - merged.leading.size();
  const ValueId projected =
      add_matmul(graph, merged, pick, picked_columns(merged.factors, position, pick.index), base);
  XINFER_RETURN_IF_ERROR(ir::infer_node(graph, graph.value(projected).producer));

  ir::SymbolicShape shape = merged.leading;
  shape.insert(shape.end(), merged.factors.begin(), merged.factors.end());
  ir::Transpose transpose{merged.perm};
  if (pick.keeps_axis) {
    shape[static_cast<std::size_t>(axis)] = 1;
  } else {
    shape.erase(shape.begin() + axis);
    std::erase(transpose.perm, axis);
    for (std::int64_t& source : transpose.perm) source -= source > axis ? 1 : 0;
  }
  const NodeId reshape = graph.insert_node_before(pick.node, "", ir::Reshape{std::move(shape)},
                                                  {projected}, {base + "_reshaped"});
  XINFER_RETURN_IF_ERROR(ir::infer_node(graph, reshape));
  rewrite(graph, pick.node, std::move(transpose), {graph.node(reshape).outputs[0]});
  return Status();
}

}  // namespace

Status split_merged_projections(Graph& graph) {
  const std::vector<NodeId> nodes = graph.order();
  for (NodeId id : nodes) {
    const std::optional<MergedProjection> merged = match(graph, id);
    if (!merged) continue;
    for (const Pick& pick : merged->picks) {
      XINFER_RETURN_IF_ERROR(replace_pick(graph, *merged, pick));
    }
  }
  graph.remove_dead_nodes();
  return Status();
}

}  // namespace xinfer::passes
