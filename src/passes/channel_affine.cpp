#include "passes/channel_affine.h"

#include <algorithm>

#include "passes/match.h"

namespace xinfer::passes {
namespace {

using ir::Graph;
using ir::NodeId;
using ir::ValueId;

/// Output channels run along columns in an untransposed MatMul, along rows otherwise.
bool channels_are_columns(const Graph& graph, NodeId node) {
  const auto* matmul = op_as<ir::MatMul>(graph, node);
  return matmul != nullptr && !matmul->transpose_b;
}

Tensor scaled_weights(const Tensor& weights, const std::vector<double>& scale, bool columns) {
  Tensor result(DType::kFloat32, weights.shape());
  const std::span<const float> from = weights.values<float>();
  const std::span<float> to = result.values<float>();
  const std::size_t channels = scale.size();
  const std::size_t row = channels == 0 ? 0 : from.size() / channels;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const std::size_t channel = columns ? i % channels : i / row;
    to[i] = static_cast<float>(from[i] * scale[channel]);
  }
  return result;
}

Tensor moved_bias(const Graph& graph, ValueId bias, const ChannelAffine& affine) {
  const std::size_t channels = affine.scale.size();
  Tensor result(DType::kFloat32, {static_cast<std::int64_t>(channels)});
  const std::span<float> to = result.values<float>();
  for (std::size_t c = 0; c < channels; ++c) {
    const double present =
        bias == ir::kNoValue ? 0.0 : graph.value(bias).constant->values<float>()[c];
    to[c] = static_cast<float>(present * affine.scale[c] + affine.offset[c]);
  }
  return result;
}

}  // namespace

bool can_scale_channels(const Graph& graph, NodeId node) {
  const auto* matmul = op_as<ir::MatMul>(graph, node);
  if (matmul == nullptr && !op_as<ir::Conv>(graph, node)) return false;
  if (!ir::epilogue_of(graph.node(node).op)->empty()) return false;
  const ValueId weights = input_of(graph, node, 1);
  const ValueId bias = input_of(graph, node, 2);
  if (!is_float_constant(graph, weights)) return false;
  if (bias != ir::kNoValue && !is_float_constant(graph, bias)) return false;
  return matmul == nullptr || graph.value(weights).constant->shape().size() == 2;
}

std::int64_t output_channels(const Graph& graph, NodeId node) {
  const Shape& shape = graph.value(graph.node(node).inputs[1]).constant->shape();
  return channels_are_columns(graph, node) ? shape[1] : shape[0];
}

void scale_channels(Graph& graph, NodeId node, const ChannelAffine& affine) {
  const bool scales = std::any_of(affine.scale.begin(), affine.scale.end(),
                                  [](double factor) { return factor != 1.0; });
  const ValueId weights = graph.node(node).inputs[1];
  const std::string bias_name = graph.node(node).name + "_bias";
  Tensor bias = moved_bias(graph, input_of(graph, node, 2), affine);
  if (scales) {
    set_constant_input(graph, node, 1,
                       scaled_weights(*graph.value(weights).constant, affine.scale,
                                      channels_are_columns(graph, node)),
                       "");
  }
  set_constant_input(graph, node, 2, std::move(bias), bias_name);
}

}  // namespace xinfer::passes
