#include "passes/fold_channel_affine.h"

#include <cmath>
#include <optional>

#include "passes/channel_affine.h"
#include "passes/match.h"

namespace xinfer::passes {
namespace {

using ir::Graph;
using ir::NodeId;
using ir::ValueId;

/// A constant as one number per output channel, if it broadcasts to no more than that. The channel
/// axis is 1 for Conv, the last for MatMul; the constant must not widen the shape.
std::optional<std::vector<double>> per_channel(const Graph& graph, NodeId anchor,
                                               ValueId constant) {
  if (!is_float_constant(graph, constant)) return std::nullopt;
  const Tensor& tensor = *graph.value(constant).constant;
  const std::size_t rank = graph.value(graph.node(anchor).outputs[0]).shape.size();
  if (tensor.shape().size() > rank) return std::nullopt;
  const std::int64_t channels = output_channels(graph, anchor);
  const std::size_t channel_axis = op_as<ir::Conv>(graph, anchor) ? 1 : rank - 1;
  for (std::size_t i = 0; i < tensor.shape().size(); ++i) {
    const std::size_t axis = rank - tensor.shape().size() + i;
    const std::int64_t size = tensor.shape()[i];
    if (size != 1 && (axis != channel_axis || size != channels)) return std::nullopt;
  }
  const std::span<const float> values = tensor.values<float>();
  if (values.size() == 1) {
    return std::vector<double>(static_cast<std::size_t>(channels), values[0]);
  }
  return std::vector<double>(values.begin(), values.end());
}

/// `numbers` behind the anchor's value (`anchor_first`) or before it (only for Add and Mul).
std::optional<ChannelAffine> affine_of(kernels::Binary function, std::vector<double> numbers,
                                       bool anchor_first) {
  const std::vector<double> ones(numbers.size(), 1.0), zeros(numbers.size(), 0.0);
  switch (function) {
    case kernels::Binary::kAdd:
      return ChannelAffine{ones, std::move(numbers)};
    case kernels::Binary::kMul:
      return ChannelAffine{std::move(numbers), zeros};
    case kernels::Binary::kSub:
      if (!anchor_first) return ChannelAffine{std::vector<double>(ones.size(), -1.0), numbers};
      for (double& number : numbers) number = -number;
      return ChannelAffine{ones, std::move(numbers)};
    case kernels::Binary::kDiv:
      if (!anchor_first) return std::nullopt;
      for (double& number : numbers) {
        if (number == 0 || !std::isfinite(number)) return std::nullopt;
        number = 1.0 / number;
      }
      return ChannelAffine{std::move(numbers), zeros};
    default:
      return std::nullopt;
  }
}

/// A constant [channels] added to a node without bias is its bias, under its own name.
bool use_as_bias(Graph& graph, NodeId anchor, kernels::Binary function, ValueId constant) {
  const Shape& shape = graph.value(constant).constant->shape();
  if (function != kernels::Binary::kAdd || input_of(graph, anchor, 2) != ir::kNoValue ||
      shape != Shape{output_channels(graph, anchor)}) {
    return false;
  }
  graph.node(anchor).inputs.resize(3, ir::kNoValue);
  graph.node(anchor).inputs[2] = constant;
  return true;
}

/// Folds the Binary `id` into the node that computes its other operand; true if it did.
bool fold_into_operand(Graph& graph, NodeId id, std::size_t operand) {
  const auto& op = *op_as<ir::Binary>(graph, id);
  const ValueId computed = graph.node(id).inputs[operand];
  const NodeId anchor = graph.value(computed).producer;
  if (anchor == ir::kNoNode || !op.epilogue.empty() || !can_scale_channels(graph, anchor) ||
      !only_feeds(graph, computed, id)) {
    return false;
  }
  std::optional<std::vector<double>> numbers =
      per_channel(graph, anchor, graph.node(id).inputs[1 - operand]);
  if (!numbers) return false;
  const std::optional<ChannelAffine> affine =
      affine_of(op.function, *std::move(numbers), operand == 0);
  if (!affine) return false;
  if (!use_as_bias(graph, anchor, op.function, graph.node(id).inputs[1 - operand])) {
    scale_channels(graph, anchor, *affine);
  }
  replace_tail(graph, anchor, id);
  return true;
}

}  // namespace

Status fold_channel_affine(Graph& graph) {
  const std::vector<NodeId> nodes = graph.order();
  for (NodeId id : nodes) {
    if (!op_as<ir::Binary>(graph, id)) continue;
    if (!fold_into_operand(graph, id, 0)) fold_into_operand(graph, id, 1);
  }
  return Status();
}

}  // namespace xinfer::passes
