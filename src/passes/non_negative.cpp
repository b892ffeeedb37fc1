#include "passes/non_negative.h"

#include <algorithm>
#include <cmath>

#include "passes/match.h"

namespace xinfer::passes {
namespace {

using ir::Graph;
using ir::ValueId;

bool constant_is_non_negative(const Tensor& tensor) {
  const auto all = [&](auto zero) {
    const auto values = tensor.values<decltype(zero)>();
    return std::all_of(values.begin(), values.end(), [](auto v) { return v >= 0; });
  };
  switch (tensor.dtype()) {
    case DType::kFloat32:
      return all(0.0f);
    case DType::kFloat64:
      return all(0.0);
    case DType::kInt64:
      return all(std::int64_t{0});
    case DType::kInt32:
      return all(std::int32_t{0});
    case DType::kUInt8:
    case DType::kBool:
      return true;
    default:
      return false;
  }
}

/// Overloads answer for the first output of one op; `known` holds the answers for its inputs.
struct NonNegative {
  const Graph& graph;
  const ir::Node& node;
  const std::vector<bool>& known;

  bool input(std::size_t index) const {
    const ValueId id = node.inputs[index];
    return id != ir::kNoValue && known[static_cast<std::size_t>(id)];
  }
  bool all_inputs() const {
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      if (!input(i)) return false;
    }
    return true;
  }

  bool operator()(const ir::Clip& op) const { return op.low >= 0 || (input(0) && op.high >= 0); }
  bool operator()(const ir::Softmax& op) const { return !op.log; }
  bool operator()(const ir::Unary& op) const {
    switch (op.function) {
      case kernels::Unary::kAbs:
      case kernels::Unary::kExp:
      case kernels::Unary::kSqrt:
      case kernels::Unary::kSigmoid:
      case kernels::Unary::kHardSigmoid:
      case kernels::Unary::kSoftplus:
      case kernels::Unary::kRelu:
      case kernels::Unary::kCosh:
      case kernels::Unary::kAcosh:
        return true;
      case kernels::Unary::kThresholdedRelu:
        return input(0) || op.alpha >= 0;
      case kernels::Unary::kIdentity:
      case kernels::Unary::kSelu:
      case kernels::Unary::kCelu:
      case kernels::Unary::kSoftsign:
      case kernels::Unary::kSwish:
      case kernels::Unary::kReciprocal:
      case kernels::Unary::kFloor:
      case kernels::Unary::kCeil:
      case kernels::Unary::kRound:
      case kernels::Unary::kSign:
      case kernels::Unary::kErf:
      case kernels::Unary::kTanh:
      case kernels::Unary::kHardSwish:
      case kernels::Unary::kSilu:
      case kernels::Unary::kGelu:
      case kernels::Unary::kGeluTanh:
      case kernels::Unary::kLeakyRelu:
      case kernels::Unary::kElu:
      case kernels::Unary::kMish:
        return input(0);
      default:
        return false;
    }
  }
  bool operator()(const ir::Binary& op) const {
    switch (op.function) {
      case kernels::Binary::kAdd:
      case kernels::Binary::kDiv:
      case kernels::Binary::kMin:
        return input(0) && input(1);
      case kernels::Binary::kMul:
        return (input(0) && input(1)) || node.inputs[0] == node.inputs[1];
      case kernels::Binary::kMax:
        return input(0) || input(1);
      case kernels::Binary::kPow: {
        const std::optional<double> exponent = scalar_constant(graph, node.inputs[1]);
        return input(0) || (exponent && std::fmod(*exponent, 2.0) == 0.0);
      }
      default:
        // Comparisons and logic give 0 or 1.
        return op.function >= kernels::Binary::kEqual && op.function <= kernels::Binary::kXor;
    }
  }
  bool operator()(const ir::Select&) const { return input(1) && input(2); }
  bool operator()(const ir::Pad& op) const { return input(0) && op.value >= 0; }
  bool operator()(const ir::Resize& op) const {
    return input(0) && op.mode != kernels::ResizeMode::kCubic && op.extrapolation_value >= 0;
  }
  bool operator()(const ir::Reduce& op) const {
    const bool of_magnitudes = op.kind == kernels::ReduceKind::kL1 ||
                               op.kind == kernels::ReduceKind::kL2 ||
                               op.kind == kernels::ReduceKind::kSumSquare;
    const bool of_logarithms =
        op.kind == kernels::ReduceKind::kLogSum || op.kind == kernels::ReduceKind::kLogSumExp;
    return of_magnitudes || (input(0) && !of_logarithms);
  }
  bool operator()(const ir::Concat&) const { return all_inputs(); }
  bool operator()(const ir::Pool&) const { return input(0); }
  bool operator()(const ir::Cast&) const { return input(0); }
  bool operator()(const ir::Transpose&) const { return input(0); }
  bool operator()(const ir::Reshape&) const { return input(0); }
  bool operator()(const ir::Slice&) const { return input(0); }
  bool operator()(const ir::Gather&) const { return input(0); }
  bool operator()(const ir::Expand&) const { return input(0); }
  bool operator()(const ir::ShapeOf&) const { return true; }
  template <typename Other>
  bool operator()(const Other&) const {
    return false;
  }
};

}  // namespace

std::vector<bool> find_non_negative(const Graph& graph, const std::vector<ValueId>& inputs) {
  std::vector<bool> known(graph.value_count(), false);
  for (ValueId input : inputs) known[static_cast<std::size_t>(input)] = true;
  for (std::size_t i = 0; i < known.size(); ++i) {
    const ir::Value& value = graph.value(static_cast<ValueId>(i));
    if (value.is_constant()) known[i] = constant_is_non_negative(*value.constant);
  }
  for (ir::NodeId id : graph.order()) {
    const ir::Node& node = graph.node(id);
    if (node.outputs[0] == ir::kNoValue) continue;
    known[static_cast<std::size_t>(node.outputs[0])] =
        std::visit(NonNegative{graph, node, known}, node.op);
  }
  return known;
}

std::vector<bool> find_non_negative(const Graph& graph, const RangeMap& ranges) {
  std::vector<ValueId> inputs;
  for (ValueId input : graph.inputs()) {
    const auto range = ranges.find(graph.value(input).name);
    if (range != ranges.end() && range->second.min >= 0) inputs.push_back(input);
  }
  return find_non_negative(graph, inputs);
}

}  // namespace xinfer::passes
