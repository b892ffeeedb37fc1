#include "passes/remove_identities.h"

#include <algorithm>
#include <limits>

#include "passes/match.h"

namespace xinfer::passes {
namespace {

using ir::Graph;
using ir::NodeId;
using ir::ValueId;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

bool all_zero(const std::vector<std::int64_t>& numbers) {
  return std::all_of(numbers.begin(), numbers.end(), [](std::int64_t n) { return n == 0; });
}

/// Overloads say whether an op hands its first input on unchanged. Shapes are compared by the
/// caller.
struct IsIdentity {
  const Graph& graph;
  const ir::Node& node;

  const ir::Value& input() const { return graph.value(node.inputs[0]); }

  bool operator()(const ir::Reshape&) const { return true; }
  bool operator()(const ir::Expand&) const { return true; }
  bool operator()(const ir::Concat&) const { return node.inputs.size() == 1; }
  bool operator()(const ir::Unary& op) const { return op.function == kernels::Unary::kIdentity; }
  bool operator()(const ir::Cast& op) const { return op.to == input().dtype; }
  bool operator()(const ir::Clip& op) const { return op.low == -kInfinity && op.high == kInfinity; }
  bool operator()(const ir::Pad& op) const {
    return all_zero(op.pads_begin) && all_zero(op.pads_end);
  }
  bool operator()(const ir::Transpose& op) const {
    return std::is_sorted(op.perm.begin(), op.perm.end());
  }
  bool operator()(const ir::Slice& op) const {
    return std::all_of(op.step.begin(), op.step.end(), [](std::int64_t s) { return s == 1; });
  }
  template <typename Other>
  bool operator()(const Other&) const {
    return false;
  }
};

/// The operand that a Binary with a neutral constant hands on, or kNoValue.
ValueId neutral_operand(const Graph& graph, NodeId id) {
  const auto& op = *op_as<ir::Binary>(graph, id);
  const std::optional<ScaledOperand> scaled = scalar_operand(graph, id);
  if (!scaled || !op.epilogue.empty()) return ir::kNoValue;
  const bool constant_is_second = graph.node(id).inputs[0] == scaled->operand;
  switch (op.function) {
    case kernels::Binary::kAdd:
      return scaled->number == 0 ? scaled->operand : ir::kNoValue;
    case kernels::Binary::kSub:
      return scaled->number == 0 && constant_is_second ? scaled->operand : ir::kNoValue;
    case kernels::Binary::kMul:
      return scaled->number == 1 ? scaled->operand : ir::kNoValue;
    case kernels::Binary::kDiv:
    case kernels::Binary::kPow:
      return scaled->number == 1 && constant_is_second ? scaled->operand : ir::kNoValue;
    default:
      return ir::kNoValue;
  }
}

ValueId handed_on(const Graph& graph, NodeId id) {
  const ir::Node& node = graph.node(id);
  if (node.inputs.empty() || node.outputs.size() != 1) return ir::kNoValue;
  ValueId source = ir::kNoValue;
  if (op_as<ir::Binary>(graph, id)) {
    source = neutral_operand(graph, id);
  } else if (std::visit(IsIdentity{graph, node}, node.op)) {
    source = node.inputs[0];
  }
  if (source == ir::kNoValue) return source;
  return graph.value(source).shape == graph.value(node.outputs[0]).shape ? source : ir::kNoValue;
}

/// ReLU as a function, and Max / Min against a scalar, are clips.
void make_clip(Graph& graph, NodeId id) {
  if (const auto* unary = op_as<ir::Unary>(graph, id)) {
    if (unary->function != kernels::Unary::kRelu) return;
    rewrite(graph, id, ir::Clip{0, kInfinity}, {graph.node(id).inputs[0]});
    return;
  }
  const auto* binary = op_as<ir::Binary>(graph, id);
  if (binary == nullptr || !binary->epilogue.empty()) return;
  const bool is_max = binary->function == kernels::Binary::kMax;
  if (!is_max && binary->function != kernels::Binary::kMin) return;
  const std::optional<ScaledOperand> scaled = scalar_operand(graph, id);
  if (!scaled || scaled->number != scaled->number ||
      graph.value(scaled->operand).shape != graph.value(graph.node(id).outputs[0]).shape) {
    return;
  }
  const ir::Clip clip =
      is_max ? ir::Clip{scaled->number, kInfinity} : ir::Clip{-kInfinity, scaled->number};
  rewrite(graph, id, clip, {scaled->operand});
}

}  // namespace

Status remove_identities(Graph& graph) {
  const std::vector<NodeId> nodes = graph.order();
  for (NodeId id : nodes) {
    make_clip(graph, id);
    const ValueId source = handed_on(graph, id);
    if (source != ir::kNoValue) forward(graph, graph.node(id).outputs[0], source);
  }
  return Status();
}

}  // namespace xinfer::passes
