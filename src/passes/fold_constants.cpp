#include "passes/fold_constants.h"

#include <algorithm>

#include "passes/match.h"

namespace xinfer::passes {
namespace {

using ir::Graph;
using ir::NodeId;
using ir::ValueId;

/// A folded result may be this much larger than its operands, or this large in any case.
constexpr std::int64_t kLargestGrowth = 4;
constexpr std::int64_t kSmallElements = 1 << 16;

std::int64_t operand_elements(const Graph& graph, const ir::Node& node) {
  std::int64_t count = 0;
  for (ValueId input : node.inputs) {
    if (input != ir::kNoValue) count += graph.value(input).constant->size();
  }
  return count;
}

bool is_foldable(const Graph& graph, NodeId id) {
  const ir::Node& node = graph.node(id);
  const bool has_dims = op_as<ir::ShapeOf>(graph, id) != nullptr;
  if (node.inputs.empty() && !has_dims) return false;
  const bool constant_inputs = std::all_of(
      node.inputs.begin(), node.inputs.end(),
      [&](ValueId input) { return input == ir::kNoValue || graph.value(input).is_constant(); });
  if (!constant_inputs) return false;
  return std::all_of(node.outputs.begin(), node.outputs.end(), [&](ValueId output) {
    if (output == ir::kNoValue) return true;
    const auto shape = constant_shape(graph.value(output).shape);
    if (!shape || graph.is_graph_output(output)) return false;
    const std::int64_t elements = element_count(*shape);
    return elements <= kSmallElements || elements <= kLargestGrowth * operand_elements(graph, node);
  });
}

/// A ShapeOf of numbers needs no kernel.
std::optional<Tensor> shape_numbers(const ir::ShapeOf& op) {
  const auto numbers = constant_shape(op.dims);
  if (!numbers) return std::nullopt;
  const Shape shape = op.scalar ? Shape{} : Shape{static_cast<std::int64_t>(numbers->size())};
  return Tensor(shape, std::span<const std::int64_t>(*numbers));
}

Result<std::vector<Tensor>> evaluate_node(const Graph& graph, NodeId node,
                                          const Evaluator& evaluate) {
  if (const auto* shape_of = op_as<ir::ShapeOf>(graph, node)) {
    if (std::optional<Tensor> numbers = shape_numbers(*shape_of)) return std::vector{*numbers};
  }
  return evaluate(graph, node);
}

void become_constants(Graph& graph, NodeId id, std::vector<Tensor> tensors) {
  std::vector<ValueId> outputs = std::exchange(graph.node(id).outputs, {});
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i] == ir::kNoValue) continue;
    ir::Value& value = graph.value(outputs[i]);
    value.dtype = tensors[i].dtype();
    value.shape.assign(tensors[i].shape().begin(), tensors[i].shape().end());
    value.constant = std::move(tensors[i]);
    value.producer = ir::kNoNode;
    value.producer_output = 0;
  }
  graph.remove_node(id);
}

}  // namespace

Status fold_constants(Graph& graph, const Evaluator& evaluate) {
  if (!evaluate) return Status();
  const std::vector<NodeId> nodes = graph.order();
  for (NodeId id : nodes) {
    if (!is_foldable(graph, id)) continue;
    Result<std::vector<Tensor>> tensors = evaluate_node(graph, id, evaluate);
    if (!tensors.ok()) {
      return tensors.status().with_context(
          fmt::format("folding the constant node \"{}\"", graph.node(id).name));
    }
    if (tensors->size() < graph.node(id).outputs.size()) {
      return internal_error("folding \"{}\" gave {} tensors for {} outputs", graph.node(id).name,
                            tensors->size(), graph.node(id).outputs.size());
    }
    become_constants(graph, id, *std::move(tensors));
  }
  return Status();
}

}  // namespace xinfer::passes
