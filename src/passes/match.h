// Small questions that pattern matching asks of a graph, and the few surgical steps that rewrites
// share.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "ir/graph.h"

namespace xinfer::passes {

/// The node's op if it is a T, else null.
template <typename T>
const T* op_as(const ir::Graph& graph, ir::NodeId node) {
  return node == ir::kNoNode ? nullptr : std::get_if<T>(&graph.node(node).op);
}
template <typename T>
T* op_as(ir::Graph& graph, ir::NodeId node) {
  return node == ir::kNoNode ? nullptr : std::get_if<T>(&graph.node(node).op);
}

/// The node that produces `value` if its op is a T, else kNoNode.
template <typename T>
ir::NodeId producer_as(const ir::Graph& graph, ir::ValueId value) {
  if (value == ir::kNoValue) return ir::kNoNode;
  const ir::NodeId producer = graph.value(value).producer;
  return op_as<T>(graph, producer) == nullptr ? ir::kNoNode : producer;
}

/// The producer of `value` if it is the elementwise function asked for, else kNoNode.
ir::NodeId unary_producer(const ir::Graph& graph, ir::ValueId value, kernels::Unary function);
ir::NodeId binary_producer(const ir::Graph& graph, ir::ValueId value, kernels::Binary function);

/// Input `index` of a node, or kNoValue where it is absent.
ir::ValueId input_of(const ir::Graph& graph, ir::NodeId node, std::size_t index);

/// The other operand of a two-operand node; `operand` must be one of them.
ir::ValueId other_operand(const ir::Graph& graph, ir::NodeId node, ir::ValueId operand);

/// True if `value` is a float32 constant.
bool is_float_constant(const ir::Graph& graph, ir::ValueId value);

/// The number in a float32 constant of one element, whatever its rank.
std::optional<double> scalar_constant(const ir::Graph& graph, ir::ValueId value);

/// True if `value` is a one-element constant equal to `number` as far as float32 can tell.
bool is_scalar(const ir::Graph& graph, ir::ValueId value, double number);

/// The two operands of a Binary node as (computed, scalar constant), in either order.
struct ScaledOperand {
  ir::ValueId operand;
  double number;
};
std::optional<ScaledOperand> scalar_operand(const ir::Graph& graph, ir::NodeId node);

/// The one node that reads `value`; kNoNode if there are several, none, or it is a graph output.
ir::NodeId sole_user(const ir::Graph& graph, ir::ValueId value);
ir::NodeId sole_user(const ir::Graph& graph, const ir::UseMap& uses, ir::ValueId value);

/// True if no node but `user` reads `value`, and it is no graph output: it may vanish with `user`.
bool only_feeds(const ir::Graph& graph, ir::ValueId value, ir::NodeId user);

/// The shape as numbers, if all dimensions are constant.
std::optional<std::vector<std::int64_t>> constant_shape(const ir::SymbolicShape& shape);

/// Lets `node` produce the output of `last` (the end of a pattern), which keeps its name, and takes
/// `last` out. `last` is listed among the origins of `node`.
void replace_tail(ir::Graph& graph, ir::NodeId node, ir::NodeId last);

/// Notes that `absorbed` became part of `node`.
void add_origins(ir::Graph& graph, ir::NodeId node, ir::NodeId absorbed);

/// Overwrites a node's op and inputs in place: it keeps its name, place and outputs.
void rewrite(ir::Graph& graph, ir::NodeId node, ir::Op op, std::vector<ir::ValueId> inputs);

/// Replaces a constant input: in place if only `node` reads it and the shape stays, else by a new
/// constant named after it (or `name` if the input was absent).
void set_constant_input(ir::Graph& graph, ir::NodeId node, std::size_t index, Tensor tensor,
                        const std::string& name);

/// Sends every reader of `from` to `to`, unless that would make a graph output of a graph input, a
/// constant or another graph output. Returns whether it did; the producer of `from` is then gone.
bool forward(ir::Graph& graph, ir::ValueId from, ir::ValueId to);

}  // namespace xinfer::passes
