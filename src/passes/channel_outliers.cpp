#include "passes/channel_outliers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "passes/int8_support.h"
#include "passes/match.h"

namespace xinfer::passes {
namespace {

using ir::Graph;
using ir::NodeId;
using ir::ValueId;

/// The layer with constant weights whose channels the value holds, or kNoNode.
NodeId layer_behind(const Graph& graph, ValueId value) {
  for (NodeId node = graph.value(value).producer; node != ir::kNoNode;
       node = graph.value(graph.node(node).inputs[0]).producer) {
    const bool weighted = op_as<ir::Conv>(graph, node) || op_as<ir::MatMul>(graph, node);
    if (weighted) return is_float_constant(graph, graph.node(node).inputs[1]) ? node : ir::kNoNode;
    if (!op_as<ir::Unary>(graph, node) && !op_as<ir::Clip>(graph, node)) return ir::kNoNode;
  }
  return ir::kNoNode;
}

/// |w_n| of every output channel.
std::vector<double> channel_norms(const Graph& graph, NodeId layer) {
  const Tensor& weights = *graph.value(graph.node(layer).inputs[1]).constant;
  const auto values = weights.values<float>();
  const auto* matmul = op_as<ir::MatMul>(graph, layer);
  const bool channels_last = matmul != nullptr && !matmul->transpose_b;
  const auto channels =
      static_cast<std::size_t>(channels_last ? weights.shape().back() : weights.shape()[0]);
  std::vector<double> norms(channels, 0.0);
  if (values.empty()) return norms;
  const std::size_t row = values.size() / channels;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t channel = channels_last ? i % channels : i / row;
    norms[channel] += static_cast<double>(values[i]) * values[i];
  }
  for (double& norm : norms) norm = std::sqrt(norm);
  return norms;
}

/// |b_n| of the layer's bias; empty if it has none that is constant.
std::span<const float> bias_of(const Graph& graph, NodeId layer) {
  const ir::Node& node = graph.node(layer);
  if (node.inputs.size() < 3 || !is_float_constant(graph, node.inputs[2])) return {};
  return graph.value(node.inputs[2]).constant->values<float>();
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

std::string channel_outlier_obstacle(const Graph& graph, ValueId value, const RangeMap& ranges) {
  const NodeId layer = layer_behind(graph, value);
  if (layer == ir::kNoNode) return "";
  const std::string& name = graph.value(value).name;
  const auto own = ranges.find(name);
  const auto input = ranges.find(graph.value(graph.node(layer).inputs[0]).name);
  if (own == ranges.end() || input == ranges.end() || !is_usable(input->second)) return "";
  std::vector<double> magnitudes = channel_norms(graph, layer);
  const std::span<const float> bias = bias_of(graph, layer);
  for (std::size_t n = 0; n < magnitudes.size(); ++n) {
    magnitudes[n] *= input->second.threshold / 4;
    if (bias.size() == magnitudes.size()) magnitudes[n] += std::abs(bias[n]);
  }
  const double typical = magnitudes.empty() ? 0 : median(std::move(magnitudes));
  if (typical <= 0 || own->second.threshold <= kLargestChannelRatio * typical) return "";
  return fmt::format(
      "\"{}\" reaches {:.4g} where a typical channel stays near {:.3g}: at one scale INT8 would "
      "keep only its outlier channels",
      name, own->second.threshold, typical);
}

}  // namespace xinfer::passes
