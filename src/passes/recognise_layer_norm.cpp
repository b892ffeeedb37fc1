#include "passes/recognise_layer_norm.h"

#include <algorithm>
#include <optional>

#include "passes/match.h"

namespace xinfer::passes {
namespace {

using ir::Graph;
using ir::kNoNode;
using ir::kNoValue;
using ir::NodeId;
using ir::ValueId;
using kernels::Binary;

/// The first axis of a mean that keeps its dimensions over all trailing axes, or -1.
std::int64_t trailing_mean_axis(const Graph& graph, NodeId node) {
  const auto* reduce = op_as<ir::Reduce>(graph, node);
  if (reduce == nullptr || reduce->kind != kernels::ReduceKind::kMean || !reduce->keep_dims) {
    return -1;
  }
  const std::size_t rank = graph.value(graph.node(node).inputs[0]).shape.size();
  std::vector<std::int64_t> axes = reduce->axes;
  std::sort(axes.begin(), axes.end());
  if (axes.empty()) return -1;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    if (axes[i] != static_cast<std::int64_t>(rank - axes.size() + i)) return -1;
  }
  return axes.front();
}

/// v if `value` is v * v or v ^ 2, else kNoValue.
ValueId square_root_of(const Graph& graph, ValueId value) {
  const NodeId node = producer_as<ir::Binary>(graph, value);
  if (node == kNoNode) return kNoValue;
  const std::vector<ValueId>& inputs = graph.node(node).inputs;
  const Binary function = op_as<ir::Binary>(graph, node)->function;
  if (function == Binary::kMul && inputs[0] == inputs[1]) return inputs[0];
  if (function == Binary::kPow && is_scalar(graph, inputs[1], 2.0)) return inputs[0];
  return kNoValue;
}

struct Normalisation {
  ValueId x = kNoValue;
  std::int64_t axis = -1;
  double epsilon = 0;
};

/// `centred` = x - mean(x); `deviation` = sqrt(mean(centred^2) + epsilon).
std::optional<Normalisation> match_normalisation(const Graph& graph, ValueId centred,
                                                 ValueId deviation) {
  const NodeId root = unary_producer(graph, deviation, kernels::Unary::kSqrt);
  const NodeId subtract = binary_producer(graph, centred, Binary::kSub);
  if (root == kNoNode || subtract == kNoNode) return std::nullopt;
  const NodeId add = binary_producer(graph, graph.node(root).inputs[0], Binary::kAdd);
  const std::optional<ScaledOperand> shifted =
      add == kNoNode ? std::nullopt : scalar_operand(graph, add);
  if (!shifted) return std::nullopt;
  const NodeId variance = producer_as<ir::Reduce>(graph, shifted->operand);
  const NodeId mean = producer_as<ir::Reduce>(graph, graph.node(subtract).inputs[1]);
  const std::int64_t axis = trailing_mean_axis(graph, variance);
  const ValueId x = graph.node(subtract).inputs[0];
  if (axis < 0 || trailing_mean_axis(graph, mean) != axis ||
      square_root_of(graph, graph.node(variance).inputs[0]) != centred ||
      graph.node(mean).inputs[0] != x) {
    return std::nullopt;
  }
  return Normalisation{x, axis, shifted->number};
}

/// The end of the bare pattern: centred / deviation, or centred * (1 / deviation).
std::optional<Normalisation> match_end(const Graph& graph, NodeId node) {
  const ValueId output = graph.node(node).outputs[0];
  const std::vector<ValueId>& inputs = graph.node(node).inputs;
  if (binary_producer(graph, output, Binary::kDiv) != kNoNode) {
    return match_normalisation(graph, inputs[0], inputs[1]);
  }
  if (binary_producer(graph, output, Binary::kMul) == kNoNode) return std::nullopt;
  for (std::size_t i : {0, 1}) {
    const NodeId inverse = unary_producer(graph, inputs[1 - i], kernels::Unary::kReciprocal);
    if (inverse == kNoNode) continue;
    if (auto match = match_normalisation(graph, inputs[i], graph.node(inverse).inputs[0])) {
      return match;
    }
  }
  return std::nullopt;
}

/// If the only reader of `node` combines it by `function` with a constant of the normalised axes'
/// shape (leading ones allowed), that reader and the constant.
struct Tail {
  NodeId node = kNoNode;
  ValueId constant = kNoValue;
};
Tail match_tail(const Graph& graph, NodeId node, Binary function, std::int64_t axis) {
  const ValueId value = graph.node(node).outputs[0];
  const NodeId user = sole_user(graph, value);
  if (user == kNoNode || binary_producer(graph, graph.node(user).outputs[0], function) == kNoNode) {
    return {};
  }
  const ValueId constant = other_operand(graph, user, value);
  const auto normalised =
      constant_shape({graph.value(value).shape.begin() + axis, graph.value(value).shape.end()});
  if (!normalised || !is_float_constant(graph, constant)) return {};
  Shape shape = graph.value(constant).constant->shape();
  while (shape.size() > normalised->size() && shape.front() == 1) shape.erase(shape.begin());
  return shape == *normalised ? Tail{user, constant} : Tail{};
}

/// The constant without leading ones, as LayerNorm takes it.
ValueId shaped(Graph& graph, ValueId constant, std::size_t rank) {
  const Tensor tensor = *graph.value(constant).constant;
  if (tensor.shape().size() == rank) return constant;
  const Shape shape(tensor.shape().end() - static_cast<std::ptrdiff_t>(rank), tensor.shape().end());
  return graph.add_constant(graph.value(constant).name, tensor.reshaped(shape));
}

void recognise(Graph& graph, NodeId id) {
  const std::optional<Normalisation> match = match_end(graph, id);
  if (!match) return;
  const std::size_t rank =
      graph.value(match->x).shape.size() - static_cast<std::size_t>(match->axis);
  std::vector<ValueId> inputs = {match->x, kNoValue, kNoValue};
  NodeId end = id;
  const Tail scale = match_tail(graph, end, Binary::kMul, match->axis);
  if (scale.node != kNoNode) {
    end = scale.node;
    inputs[1] = shaped(graph, scale.constant, rank);
  }
  const Tail bias = match_tail(graph, end, Binary::kAdd, match->axis);
  if (bias.node != kNoNode) {
    end = bias.node;
    inputs[2] = shaped(graph, bias.constant, rank);
  }
  while (inputs.back() == kNoValue) inputs.pop_back();
  rewrite(graph, end, ir::LayerNorm{match->axis, match->epsilon}, std::move(inputs));
}

}  // namespace

Status recognise_layer_norm(Graph& graph) {
  for (NodeId id : graph.order()) recognise(graph, id);
  graph.remove_dead_nodes();
  return Status();
}

}  // namespace xinfer::passes
