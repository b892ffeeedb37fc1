// The typed SSA graph: values and the nodes that produce them, in an order that can be executed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "ir/dim.h"
#include "ir/ops.h"
#include "xinfer/core/tensor.h"

namespace xinfer::ir {

using ValueId = std::int32_t;
using NodeId = std::int32_t;
inline constexpr ValueId kNoValue = -1;  ///< an optional input or output that is absent
inline constexpr NodeId kNoNode = -1;

/// A tensor of the graph: graph input, constant, or output of one node.
struct Value {
  std::string name;  ///< ONNX's name from import to report; unique
  DType dtype = DType::kFloat32;
  SymbolicShape shape;  ///< ONNX axis order
  /// s8 / u8 values of INT8 regions: real = q * scale (zero point 0). 0 for everything else.
  float scale = 0;
  NodeId producer = kNoNode;  ///< kNoNode: graph input or constant
  int producer_output = 0;
  std::optional<Tensor> constant;

  bool is_constant() const { return constant.has_value(); }
  bool is_quantized() const { return scale != 0; }
};

struct Node {
  std::string name;  ///< ONNX's node name, or one made from its first output
  Op op;
  std::vector<ValueId> inputs;   ///< kNoValue for an absent optional input
  std::vector<ValueId> outputs;  ///< kNoValue for an unused optional output
  bool removed = false;
  /// Names of the original nodes that fusion merged into this one, itself first; for reports.
  std::vector<std::string> origins;
};

/// A graph output keeps the name the model gave it even if a pass replaces the value behind it.
struct GraphOutput {
  std::string name;
  ValueId value;
};

/// Owns values and nodes; ids stay valid for the graph's life (removal marks, never renumbers).
/// Copyable: passes that need a second version copy it; constants are shared.
class Graph {
 public:
  // --- building ---
  ValueId add_input(std::string name, DType dtype, SymbolicShape shape);
  ValueId add_constant(std::string name, Tensor tensor);
  /// Appends a node behind all others; its outputs get the given names and no type yet (infer sets
  /// it). An empty output name makes no value (kNoValue). Names already taken get a "_2", … suffix.
  NodeId add_node(std::string name, Op op, std::vector<ValueId> inputs,
                  std::vector<std::string> output_names);
  void add_output(std::string name, ValueId value);

  // --- reading ---
  const Value& value(ValueId id) const { return values_[static_cast<std::size_t>(id)]; }
  Value& value(ValueId id) { return values_[static_cast<std::size_t>(id)]; }
  const Node& node(NodeId id) const { return nodes_[static_cast<std::size_t>(id)]; }
  Node& node(NodeId id) { return nodes_[static_cast<std::size_t>(id)]; }
  /// Live nodes in execution order.
  const std::vector<NodeId>& order() const { return order_; }
  const std::vector<ValueId>& inputs() const { return inputs_; }
  const std::vector<GraphOutput>& outputs() const { return outputs_; }
  std::vector<GraphOutput>& outputs() { return outputs_; }
  std::size_t value_count() const { return values_.size(); }
  /// The value of that name, or kNoValue.
  ValueId find_value(std::string_view name) const;
  bool is_graph_output(ValueId id) const;
  /// Live nodes that read a value, in execution order, each once. O(nodes); passes that ask for many
  /// values build a UseMap.
  std::vector<NodeId> users(ValueId id) const;

  // --- rewriting ---
  /// Inserts a new node before `position` in execution order; otherwise as add_node.
  NodeId insert_node_before(NodeId position, std::string name, Op op, std::vector<ValueId> inputs,
                            std::vector<std::string> output_names);
  /// As insert_node_before, right behind `position`.
  NodeId insert_node_after(NodeId position, std::string name, Op op, std::vector<ValueId> inputs,
                           std::vector<std::string> output_names);
  /// Every use of `from` (nodes and graph outputs) becomes `to`.
  void replace_uses(ValueId from, ValueId to);
  /// Takes a node out; its outputs must have no users left.
  void remove_node(NodeId id);
  /// Moves a node directly behind `position` in execution order.
  void move_after(NodeId id, NodeId position);
  /// Removes nodes whose outputs nobody needs. Returns how many.
  int remove_dead_nodes();
  /// A name no value has yet, starting with `base`.
  std::string unique_name(const std::string& base) const;

  /// Name of the model, for reports. Symbol names of dynamic input dimensions come from ONNX.
  std::string name;
  /// Highest ai.onnx opset of the source, for messages; 0 for a hand-made graph.
  int opset = 0;

 private:
  std::vector<Value> values_;
  std::vector<Node> nodes_;
  std::vector<NodeId> order_;
  std::vector<ValueId> inputs_;
  std::vector<GraphOutput> outputs_;
};

/// Users of every value, computed once: users[value] = nodes in execution order, each once.
class UseMap {
 public:
  explicit UseMap(const Graph& graph);
  const std::vector<NodeId>& users(ValueId id) const { return users_[static_cast<std::size_t>(id)]; }

 private:
  std::vector<std::vector<NodeId>> users_;
};

}  // namespace xinfer::ir
