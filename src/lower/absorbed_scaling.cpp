// Finding a product and the power of two behind it, from either end.
#include "lower/absorbed_scaling.h"

#include <cmath>
#include <variant>
#include <vector>

namespace xinfer::lower {
namespace {

/// Far from where floats lose bits: accumulators and their scales have exponents of their own.
constexpr int kLargestExponent = 30;

bool is_power_of_two(float value) {
  int exponent = 0;
  const float mantissa = std::frexp(value, &exponent);
  return mantissa == 0.5f && std::abs(exponent - 1) <= kLargestExponent;
}

/// The constant operand's only element, if `node` does nothing but multiply `value` by it.
std::optional<float> scalar_factor(const ir::Graph& graph, const ir::Node& node,
                                   ir::ValueId value) {
  const auto* binary = std::get_if<ir::Binary>(&node.op);
  if (binary == nullptr || binary->function != kernels::Binary::kMul) return {};
  if (!binary->epilogue.empty()) return {};
  const ir::Value& other = graph.value(node.inputs[node.inputs[0] == value ? 1 : 0]);
  const ir::Value& y = graph.value(node.outputs[0]);
  if (!other.is_constant() || other.dtype != DType::kFloat32) return {};
  if (element_count(other.constant->shape()) != 1) return {};
  if (y.dtype != DType::kFloat32 || y.is_quantized()) return {};
  if (y.shape != graph.value(value).shape || graph.is_graph_output(node.outputs[0])) return {};
  return other.constant->values<float>()[0];
}

}  // namespace

std::optional<float> absorbed_factor(const ir::Graph& graph, const ir::Node& product) {
  const auto* matmul = std::get_if<ir::MatMul>(&product.op);
  if (matmul == nullptr || !matmul->epilogue.empty()) return {};
  const ir::ValueId result = product.outputs[0];
  const ir::Value& y = graph.value(result);
  const bool int8_product = graph.value(product.inputs[0]).is_quantized() &&
                            !graph.value(product.inputs[1]).is_constant();
  if (!int8_product || y.dtype != DType::kFloat32 || y.is_quantized()) return {};
  if (graph.is_graph_output(result)) return {};
  const std::vector<ir::NodeId> users = graph.users(result);
  if (users.size() != 1) return {};
  const std::optional<float> factor = scalar_factor(graph, graph.node(users[0]), result);
  return factor.has_value() && is_power_of_two(*factor) ? factor : std::nullopt;
}

ir::ValueId absorbed_operand(const ir::Graph& graph, const ir::Node& scaling) {
  for (ir::ValueId input : scaling.inputs) {
    if (input == ir::kNoValue) continue;
    const ir::NodeId producer = graph.value(input).producer;
    if (producer != ir::kNoNode && absorbed_factor(graph, graph.node(producer)).has_value()) {
      return input;
    }
  }
  return ir::kNoValue;
}

}  // namespace xinfer::lower
