#include "passes/match.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace xinfer::passes {

using ir::Graph;
using ir::NodeId;
using ir::ValueId;

NodeId unary_producer(const Graph& graph, ValueId value, kernels::Unary function) {
  const NodeId node = producer_as<ir::Unary>(graph, value);
  return node != ir::kNoNode && op_as<ir::Unary>(graph, node)->function == function ? node
                                                                                    : ir::kNoNode;
}

NodeId binary_producer(const Graph& graph, ValueId value, kernels::Binary function) {
  const NodeId node = producer_as<ir::Binary>(graph, value);
  if (node == ir::kNoNode) return ir::kNoNode;
  const auto& op = *op_as<ir::Binary>(graph, node);
  return op.function == function && op.epilogue.empty() ? node : ir::kNoNode;
}

ValueId input_of(const Graph& graph, NodeId node, std::size_t index) {
  const std::vector<ValueId>& inputs = graph.node(node).inputs;
  return index < inputs.size() ? inputs[index] : ir::kNoValue;
}

ValueId other_operand(const Graph& graph, NodeId node, ValueId operand) {
  const std::vector<ValueId>& inputs = graph.node(node).inputs;
  return inputs[0] == operand ? inputs[1] : inputs[0];
}

bool is_float_constant(const Graph& graph, ValueId value) {
  return value != ir::kNoValue && graph.value(value).is_constant() &&
         graph.value(value).constant->dtype() == DType::kFloat32;
}

std::optional<double> scalar_constant(const Graph& graph, ValueId value) {
  if (!is_float_constant(graph, value)) return std::nullopt;
  const Tensor& tensor = *graph.value(value).constant;
  if (tensor.size() != 1) return std::nullopt;
  return tensor.values<float>()[0];
}

bool is_scalar(const Graph& graph, ValueId value, double number) {
  const std::optional<double> found = scalar_constant(graph, value);
  // Exporters round constants such as sqrt(2) to float32, some by way of float16-friendly literals.
  return found && std::abs(*found - number) <= 1e-6 * std::abs(number);
}

std::optional<ScaledOperand> scalar_operand(const Graph& graph, NodeId node) {
  for (std::size_t i : {0, 1}) {
    const ValueId constant = input_of(graph, node, i);
    const ValueId operand = input_of(graph, node, 1 - i);
    const std::optional<double> number = scalar_constant(graph, constant);
    if (number && !graph.value(operand).is_constant()) return ScaledOperand{operand, *number};
  }
  return std::nullopt;
}

NodeId sole_user(const Graph& graph, ValueId value) {
  if (graph.is_graph_output(value)) return ir::kNoNode;
  const std::vector<NodeId> users = graph.users(value);
  return users.size() == 1 ? users.front() : ir::kNoNode;
}

NodeId sole_user(const Graph& graph, const ir::UseMap& uses, ValueId value) {
  if (uses.users(value).size() != 1 || graph.is_graph_output(value)) return ir::kNoNode;
  return uses.users(value).front();
}

bool only_feeds(const Graph& graph, ValueId value, NodeId user) {
  return sole_user(graph, value) == user;
}

std::optional<std::vector<std::int64_t>> constant_shape(const ir::SymbolicShape& shape) {
  std::vector<std::int64_t> numbers;
  for (const ir::Dim& dim : shape) {
    if (!dim.is_constant()) return std::nullopt;
    numbers.push_back(dim.constant());
  }
  return numbers;
}

void add_origins(Graph& graph, NodeId node, NodeId absorbed) {
  std::vector<std::string>& origins = graph.node(node).origins;
  for (const std::string& origin : graph.node(absorbed).origins) {
    if (std::find(origins.begin(), origins.end(), origin) == origins.end()) {
      origins.push_back(origin);
    }
  }
}

void replace_tail(Graph& graph, NodeId node, NodeId last) {
  add_origins(graph, node, last);
  graph.adopt_output(node, 0, graph.node(last).outputs[0]);
  graph.remove_node(last);
}

void set_constant_input(Graph& graph, NodeId node, std::size_t index, Tensor tensor,
                        const std::string& name) {
  const ValueId present = input_of(graph, node, index);
  if (present != ir::kNoValue && only_feeds(graph, present, node) &&
      graph.value(present).constant->shape() == tensor.shape()) {
    graph.value(present).constant = std::move(tensor);
    return;
  }
  const std::string base = present == ir::kNoValue ? name : graph.value(present).name;
  const ValueId added = graph.add_constant(base, std::move(tensor));
  std::vector<ValueId>& inputs = graph.node(node).inputs;
  if (inputs.size() <= index) inputs.resize(index + 1, ir::kNoValue);
  inputs[index] = added;
}

bool forward(Graph& graph, ValueId from, ValueId to) {
  const bool taken = graph.value(to).producer == ir::kNoNode || graph.is_graph_output(to);
  if (graph.is_graph_output(from) && taken) return false;
  const NodeId producer = graph.value(from).producer;
  if (graph.value(to).producer != ir::kNoNode) {
    add_origins(graph, graph.value(to).producer, producer);
  }
  graph.replace_uses(from, to);
  graph.remove_node(producer);
  return true;
}

void rewrite(Graph& graph, NodeId node, ir::Op op, std::vector<ValueId> inputs) {
  graph.node(node).op = std::move(op);
  graph.node(node).inputs = std::move(inputs);
}

}  // namespace xinfer::passes
