#include "passes/round_biases.h"

#include "passes/int8_support.h"
#include "passes/match.h"
#include "quant/bias.h"

namespace xinfer::passes {
namespace {

using ir::Graph;
using ir::NodeId;
using ir::ValueId;

constexpr std::size_t kBias = 2;

bool is_int8_with_bias(const Graph& graph, NodeId id) {
  if (int8_form(graph, id) != Int8Form::kAccumulator) return false;
  const ValueId x = graph.node(id).inputs[0];
  const ValueId bias = input_of(graph, id, kBias);
  if (!graph.value(x).is_quantized() || bias == ir::kNoValue) return false;
  const bool in_float = op_as<ir::MatMul>(graph, id) != nullptr && graph.value(x).shape.size() != 2;
  return is_float_constant(graph, bias) && !in_float;
}

Status round_bias(Graph& graph, NodeId id) {
  const quant::WeightView weights = weights_of(graph, id);
  XINFER_ASSIGN_OR_RETURN(const std::vector<float> scales, quant::weight_scales(weights));
  const Tensor& bias = *graph.value(graph.node(id).inputs[kBias]).constant;
  if (bias.size() != weights.channels) return Status();
  const auto gridded =
      quant::grid_bias(bias.values<float>(), graph.value(graph.node(id).inputs[0]).scale, scales);
  if (!gridded) return Status();
  const std::vector<float> values = gridded->values();
  Tensor rounded(bias.shape(), std::span<const float>(values));
  set_constant_input(graph, id, kBias, std::move(rounded), "");
  return Status();
}

}  // namespace

Status round_biases(Graph& graph) {
  const std::vector<NodeId> nodes = graph.order();
  for (NodeId id : nodes) {
    if (is_int8_with_bias(graph, id)) XINFER_RETURN_IF_ERROR(round_bias(graph, id));
  }
  return Status();
}

}  // namespace xinfer::passes
