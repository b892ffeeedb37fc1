#include "passes/recognise_activations.h"

#include <cmath>
#include <optional>

#include "passes/match.h"

namespace xinfer::passes {
namespace {

using ir::Graph;
using ir::kNoNode;
using ir::kNoValue;
using ir::NodeId;
using ir::ValueId;
using kernels::Unary;

/// The input of the one-operand function that computes `value`, or kNoValue.
ValueId argument_of(const Graph& graph, ValueId value, Unary function) {
  const NodeId node = unary_producer(graph, value, function);
  return node == kNoNode ? kNoValue : graph.node(node).inputs[0];
}

/// x if `value` is Clip(x + 3, 0, 6).
ValueId relu6_of_shifted(const Graph& graph, ValueId value) {
  const NodeId clip = producer_as<ir::Clip>(graph, value);
  if (clip == kNoNode) return kNoValue;
  const auto& bounds = *op_as<ir::Clip>(graph, clip);
  if (bounds.low != 0 || bounds.high != 6) return kNoValue;
  const NodeId add = binary_producer(graph, graph.node(clip).inputs[0], kernels::Binary::kAdd);
  const std::optional<ScaledOperand> shifted =
      add == kNoNode ? std::nullopt : scalar_operand(graph, add);
  return shifted && shifted->number == 3 ? shifted->operand : kNoValue;
}

/// The operand of a multiplication by 1/6 or a division by 6, or kNoValue.
ValueId sixth_of(const Graph& graph, NodeId node) {
  const auto* op = op_as<ir::Binary>(graph, node);
  if (op == nullptr || !op->epilogue.empty()) return kNoValue;
  const std::optional<ScaledOperand> scaled = scalar_operand(graph, node);
  if (!scaled) return kNoValue;
  const bool divides = op->function == kernels::Binary::kDiv &&
                       graph.node(node).inputs[0] == scaled->operand && scaled->number == 6;
  const bool multiplies =
      op->function == kernels::Binary::kMul && std::abs(scaled->number - 1.0 / 6.0) < 1e-7;
  return divides || multiplies ? scaled->operand : kNoValue;
}

ir::Unary hard_sigmoid() { return {Unary::kHardSigmoid, 1.0 / 6.0, 0.5}; }

bool is_sixth_hard_sigmoid(const Graph& graph, NodeId node) {
  const auto& op = *op_as<ir::Unary>(graph, node);
  return std::abs(op.alpha - 1.0 / 6.0) < 1e-7 && op.beta == 0.5;
}

/// The function that x * gate computes, if `gate` is a gate of x.
std::optional<ir::Unary> gated(const Graph& graph, ValueId x, ValueId gate) {
  if (argument_of(graph, gate, Unary::kSigmoid) == x) return ir::Unary{Unary::kSilu, 0, 0};
  if (argument_of(graph, gate, Unary::kHardSigmoid) == x &&
      is_sixth_hard_sigmoid(graph, graph.value(gate).producer)) {
    return ir::Unary{Unary::kHardSwish, 0, 0};
  }
  const ValueId softplus = argument_of(graph, gate, Unary::kTanh);
  if (softplus != kNoValue && argument_of(graph, softplus, Unary::kSoftplus) == x) {
    return ir::Unary{Unary::kMish, 0, 0};
  }
  return std::nullopt;
}

bool recognise_gate(Graph& graph, NodeId node) {
  if (binary_producer(graph, graph.node(node).outputs[0], kernels::Binary::kMul) == kNoNode) {
    return false;
  }
  for (std::size_t i : {0, 1}) {
    const ValueId x = graph.node(node).inputs[i];
    const std::optional<ir::Unary> function = gated(graph, x, graph.node(node).inputs[1 - i]);
    if (!function) continue;
    rewrite(graph, node, *function, {x});
    return true;
  }
  return false;
}

/// (x * Clip(x + 3, 0, 6)) / 6, or Clip(x + 3, 0, 6) / 6.
void recognise_sixth(Graph& graph, NodeId node) {
  const ValueId numerator = sixth_of(graph, node);
  if (numerator == kNoValue) return;
  if (const ValueId x = relu6_of_shifted(graph, numerator); x != kNoValue) {
    rewrite(graph, node, hard_sigmoid(), {x});
    return;
  }
  const NodeId multiply = binary_producer(graph, numerator, kernels::Binary::kMul);
  if (multiply == kNoNode) return;
  for (std::size_t i : {0, 1}) {
    const ValueId x = graph.node(multiply).inputs[i];
    if (relu6_of_shifted(graph, graph.node(multiply).inputs[1 - i]) != x) continue;
    rewrite(graph, node, ir::Unary{Unary::kHardSwish, 0, 0}, {x});
    return;
  }
}

/// Other names of functions that have a form of their own.
void give_common_form(Graph& graph, NodeId node) {
  if (auto* unary = op_as<ir::Unary>(graph, node)) {
    if (unary->function == Unary::kSwish && unary->alpha == 1) *unary = {Unary::kSilu, 0, 0};
    return;
  }
  const ValueId output = graph.node(node).outputs[0];
  if (binary_producer(graph, output, kernels::Binary::kPRelu) == kNoNode) return;
  const ValueId x = graph.node(node).inputs[0];
  const std::optional<double> slope = scalar_constant(graph, graph.node(node).inputs[1]);
  if (!slope || graph.value(x).shape != graph.value(output).shape) return;
  rewrite(graph, node, ir::Unary{Unary::kLeakyRelu, *slope, 0}, {x});
}

}  // namespace

Status recognise_activations(Graph& graph) {
  for (NodeId id : graph.order()) {
    give_common_form(graph, id);
    if (!recognise_gate(graph, id)) recognise_sixth(graph, id);
  }
  graph.remove_dead_nodes();
  return Status();
}

}  // namespace xinfer::passes
