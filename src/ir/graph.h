// The typed SSA graph: values and the nodes that produce them, in an order that can be executed.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
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

/// Names in use and who has them; hands out unused ones.
class NameIndex {
 public:
  /// The id of that name, or -1.
  std::int32_t find(std::string_view name) const;
  /// `base`, or if that is taken the first free of "base_2", "base_3", ….
  std::string unused(const std::string& base) const;
  /// Registers an unused name for `id` and returns it.
  std::string claim(const std::string& base, std::int32_t id);
  /// Sets a name free; nothing happens if another id has it.
  void release(const std::string& name, std::int32_t id);

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };
  std::unordered_map<std::string, std::int32_t, Hash, std::equal_to<>> ids_;
  std::unordered_map<std::string, int> next_suffix_;  ///< where the search for a free one starts
};

/// Owns values and nodes; ids stay valid for the graph's life (removal marks, never renumbers).
/// Copyable: passes that need a second version copy it; constants are shared. Names of live values
/// and of live nodes are unique; removing a node sets its name and its outputs' names free. Names
/// are indexed, so they change only through rename_value and rename_node.
class Graph {
 public:
  // --- building ---
  ValueId add_input(std::string name, DType dtype, SymbolicShape shape);
  ValueId add_constant(std::string name, Tensor tensor);
  /// Appends a node behind all others; its outputs get the given names and no type yet (infer sets
  /// it). An empty output name makes no value (kNoValue). Names already taken get a "_2", … suffix;
  /// a node without a name takes that of its first output. References to nodes and values do not
  /// survive a call that adds any.
  NodeId add_node(std::string name, Op op, std::vector<ValueId> inputs,
                  const std::vector<std::string>& output_names);
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
  /// Nodes ever added, removed ones included: node ids are below it.
  std::size_t node_count() const { return nodes_.size(); }
  /// The live value of that name, or kNoValue.
  ValueId find_value(std::string_view name) const;
  /// The live node of that name, or kNoNode.
  NodeId find_node(std::string_view name) const;
  /// False for outputs of removed nodes and values that adopt_output displaced.
  bool is_live(ValueId id) const;
  bool is_graph_output(ValueId id) const;
  /// Live nodes that read a value, in execution order, each once. O(nodes); passes that ask for
  /// many values build a UseMap.
  std::vector<NodeId> users(ValueId id) const;

  // --- rewriting ---
  /// Inserts a new node before `position` in execution order; otherwise as add_node.
  NodeId insert_node_before(NodeId position, std::string name, Op op, std::vector<ValueId> inputs,
                            const std::vector<std::string>& output_names);
  /// As insert_node_before, right behind `position`.
  NodeId insert_node_after(NodeId position, std::string name, Op op, std::vector<ValueId> inputs,
                           const std::vector<std::string>& output_names);
  /// Every use of `from` (nodes and graph outputs) becomes `to`, except by the node that produces
  /// `to`: a node put behind `from` keeps reading it.
  void replace_uses(ValueId from, ValueId to);
  /// Takes a node out; its outputs must have no users left.
  void remove_node(NodeId id);
  /// Makes `value` the output number `output` of node `id` in place of its present one, which must
  /// have no users and leaves the graph. How fusion lets a node produce what its user, about to be
  /// removed, produced: the value keeps its name, type and scale.
  void adopt_output(NodeId id, int output, ValueId value);
  /// Gives a value or node another name, made unique as add_node does.
  void rename_value(ValueId id, const std::string& name);
  void rename_node(NodeId id, const std::string& name);
  /// Moves a node directly behind `position` in execution order.
  void move_after(NodeId id, NodeId position);
  /// Removes nodes whose outputs nobody needs. Returns how many.
  int remove_dead_nodes();
  /// A name no live value has yet: `base` itself or with a suffix.
  std::string unique_name(const std::string& base) const;

  /// Name of the model, for reports. Symbol names of dynamic input dimensions come from ONNX.
  std::string name;
  /// Highest ai.onnx opset of the source, for messages; 0 for a hand-made graph.
  int opset = 0;

 private:
  NodeId make_node(std::string name, Op op, std::vector<ValueId> inputs,
                   const std::vector<std::string>& output_names);
  ValueId make_value(Value value);
  void mark_removed(NodeId id);
  std::vector<NodeId>::iterator position_of(NodeId id);

  std::vector<Value> values_;
  std::vector<Node> nodes_;
  std::vector<NodeId> order_;
  std::vector<ValueId> inputs_;
  std::vector<GraphOutput> outputs_;
  NameIndex value_names_;
  NameIndex node_names_;
};

/// Users of every value, computed once: users[value] = nodes in execution order, each once.
class UseMap {
 public:
  explicit UseMap(const Graph& graph);
  const std::vector<NodeId>& users(ValueId id) const {
    return users_[static_cast<std::size_t>(id)];
  }

 private:
  std::vector<std::vector<NodeId>> users_;
};

}  // namespace xinfer::ir
