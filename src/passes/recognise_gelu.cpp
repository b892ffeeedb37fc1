#include "passes/recognise_gelu.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>
#include <vector>

#include "passes/match.h"

namespace xinfer::passes {
namespace {

using ir::Graph;
using ir::kNoNode;
using ir::kNoValue;
using ir::NodeId;
using ir::ValueId;
using kernels::Binary;

constexpr double kCubic = 0.044715;

/// A value as number * product of factors, Mul and division by numbers taken apart.
struct Product {
  double number = 1.0;
  std::vector<ValueId> factors;

  bool is(double expected, std::vector<ValueId> expected_factors) const {
    std::vector<ValueId> found = factors;
    std::sort(found.begin(), found.end());
    std::sort(expected_factors.begin(), expected_factors.end());
    // Constants are float32, and 1/x of one or products of two round once or twice more.
    return found == expected_factors && std::abs(number - expected) <= 2e-6 * std::abs(expected);
  }
};

/// Stops at `x`, which may be a product itself. Pow(x, 2) and Pow(x, 3) count as factors x.
void multiply_out(const Graph& graph, ValueId value, ValueId x, Product& product) {
  if (const std::optional<double> number = scalar_constant(graph, value)) {
    product.number *= *number;
    return;
  }
  const NodeId node = producer_as<ir::Binary>(graph, value);
  const Binary function = node == kNoNode ? Binary::kAdd : op_as<ir::Binary>(graph, node)->function;
  if (value != x && function == Binary::kMul) {
    for (ValueId operand : graph.node(node).inputs) multiply_out(graph, operand, x, product);
    return;
  }
  const std::optional<double> second =
      node == kNoNode ? std::nullopt : scalar_constant(graph, graph.node(node).inputs[1]);
  if (value != x && second && function == Binary::kDiv && *second != 0) {
    product.number /= *second;
    multiply_out(graph, graph.node(node).inputs[0], x, product);
    return;
  }
  if (value != x && second && function == Binary::kPow && graph.node(node).inputs[0] == x &&
      (*second == 2 || *second == 3)) {
    product.factors.insert(product.factors.end(), static_cast<std::size_t>(*second), x);
    return;
  }
  product.factors.push_back(value);
}

Product product_of(const Graph& graph, ValueId value, ValueId x) {
  Product product;
  multiply_out(graph, value, x, product);
  return product;
}

/// x if `argument` is x / sqrt 2.
ValueId erf_operand(const Graph& graph, ValueId argument) {
  const NodeId node = producer_as<ir::Binary>(graph, argument);
  if (node == kNoNode) return kNoValue;
  const std::optional<ScaledOperand> scaled = scalar_operand(graph, node);
  if (!scaled) return kNoValue;
  const ValueId x = scaled->operand;
  return product_of(graph, argument, x).is(1.0 / std::numbers::sqrt2, {x}) ? x : kNoValue;
}

/// Is `sum` x + 0.044715 x^3?
bool is_cubic(const Graph& graph, NodeId sum, ValueId x) {
  const ValueId other = other_operand(graph, sum, x);
  return other != x && product_of(graph, other, x).is(kCubic, {x, x, x});
}

/// Is `sum` 1 + 0.044715 x^2?
bool is_even_cubic(const Graph& graph, NodeId sum, ValueId x) {
  const std::optional<ScaledOperand> shifted = scalar_operand(graph, sum);
  return shifted && shifted->number == 1 &&
         product_of(graph, shifted->operand, x).is(kCubic, {x, x});
}

/// x if `argument` is sqrt(2 / pi) (x + 0.044715 x^3), also as sqrt(2 / pi) x (1 + 0.044715 x^2).
ValueId tanh_operand(const Graph& graph, ValueId argument) {
  const double factor = std::sqrt(2.0 / std::numbers::pi);
  const Product product = product_of(graph, argument, kNoValue);
  // Exporters write sqrt(2 / pi) with four to seven digits.
  if (std::abs(product.number - factor) > 1e-4 || product.factors.empty()) return kNoValue;
  for (ValueId sum_value : product.factors) {
    const NodeId sum = binary_producer(graph, sum_value, Binary::kAdd);
    if (sum == kNoNode) continue;
    for (ValueId x : graph.node(sum).inputs) {
      if (product.factors.size() == 1 && is_cubic(graph, sum, x)) return x;
    }
    for (ValueId x : product.factors) {
      if (product.factors.size() == 2 && x != sum_value && is_even_cubic(graph, sum, x)) return x;
    }
  }
  return kNoValue;
}

/// The node that computes 0.5 * x * gate, at most two multiplications behind `gate`'s sum with 1.
NodeId find_gelu_end(const Graph& graph, ValueId gate, ValueId x) {
  const NodeId add = sole_user(graph, gate);
  if (add == kNoNode ||
      binary_producer(graph, graph.node(add).outputs[0], Binary::kAdd) == kNoNode) {
    return kNoNode;
  }
  const std::optional<ScaledOperand> shifted = scalar_operand(graph, add);
  if (!shifted || shifted->number != 1) return kNoNode;
  const ValueId sum = graph.node(add).outputs[0];
  ValueId value = sum;
  for (int depth = 0; depth < 3; ++depth) {
    const NodeId user = sole_user(graph, value);
    if (op_as<ir::Binary>(graph, user) == nullptr) return kNoNode;
    value = graph.node(user).outputs[0];
    if (product_of(graph, value, x).is(0.5, {x, sum})) return user;
  }
  return kNoNode;
}

void recognise(Graph& graph, NodeId id) {
  const auto* op = op_as<ir::Unary>(graph, id);
  const bool exact = op != nullptr && op->function == kernels::Unary::kErf;
  if (!exact && (op == nullptr || op->function != kernels::Unary::kTanh)) return;
  const ValueId argument = graph.node(id).inputs[0];
  const ValueId x = exact ? erf_operand(graph, argument) : tanh_operand(graph, argument);
  if (x == kNoValue) return;
  const NodeId end = find_gelu_end(graph, graph.node(id).outputs[0], x);
  if (end == kNoNode) return;
  const kernels::Unary function = exact ? kernels::Unary::kGelu : kernels::Unary::kGeluTanh;
  rewrite(graph, end, ir::Unary{function, 0, 0}, {x});
}

}  // namespace

Status recognise_gelu(Graph& graph) {
  for (NodeId id : graph.order()) recognise(graph, id);
  graph.remove_dead_nodes();
  return Status();
}

}  // namespace xinfer::passes
