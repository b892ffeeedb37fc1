#include "passes/channel_groups.h"

#include <algorithm>
#include <map>

#include "passes/match.h"

namespace xinfer::passes {
namespace {

using ir::Graph;
using ir::NodeId;
using ir::ValueId;

/// How a node takes part in groups.
enum class Role { kNone, kWeighted, kNorm, kAdd };

const Tensor& weights_of(const Graph& graph, NodeId layer) {
  return *graph.value(graph.node(layer).inputs[1]).constant;
}

/// Constant float32 inputs from `first` on; absent ones pass.
bool rest_is_constant(const Graph& graph, NodeId id, std::size_t first) {
  const ir::Node& node = graph.node(id);
  for (std::size_t i = first; i < node.inputs.size(); ++i) {
    if (node.inputs[i] != ir::kNoValue && !is_float_constant(graph, node.inputs[i])) return false;
  }
  return node.inputs.size() > first;
}

bool is_weighted(const Graph& graph, NodeId id) {
  if (const auto* matmul = op_as<ir::MatMul>(graph, id)) {
    return !matmul->transpose_a && rest_is_constant(graph, id, 1) &&
           weights_of(graph, id).shape().size() == 2;
  }
  return op_as<ir::Conv>(graph, id) != nullptr && rest_is_constant(graph, id, 1);
}

bool is_norm(const Graph& graph, NodeId id) {
  const auto* norm = op_as<ir::LayerNorm>(graph, id);
  if (norm == nullptr || !rest_is_constant(graph, id, 1)) return false;
  const ir::Node& node = graph.node(id);
  const ir::SymbolicShape& shape = graph.value(node.outputs[0]).shape;
  if (norm->axis + 1 != static_cast<std::int64_t>(shape.size())) return false;
  return std::all_of(node.inputs.begin() + 1, node.inputs.end(), [&](ValueId input) {
    return input == ir::kNoValue || shape.back() == ir::Dim(graph.value(input).constant->size());
  });
}

/// The sum of two computed values of one shape.
bool is_residual_add(const Graph& graph, NodeId id) {
  const auto* binary = op_as<ir::Binary>(graph, id);
  if (binary == nullptr || binary->function != kernels::Binary::kAdd) return false;
  const ir::Node& node = graph.node(id);
  const ir::SymbolicShape& shape = graph.value(node.outputs[0]).shape;
  return node.inputs[0] != node.inputs[1] &&
         std::all_of(node.inputs.begin(), node.inputs.end(), [&](ValueId input) {
           return !graph.value(input).is_constant() && graph.value(input).shape == shape;
         });
}

Role role_of(const Graph& graph, NodeId id) {
  if (id == ir::kNoNode) return Role::kNone;
  return is_weighted(graph, id)       ? Role::kWeighted
         : is_norm(graph, id)         ? Role::kNorm
         : is_residual_add(graph, id) ? Role::kAdd
                                      : Role::kNone;
}

/// Channels of a writer's output, and whether they lie on the last axis.
std::pair<std::int64_t, bool> channels_of(const Graph& graph, NodeId writer) {
  if (op_as<ir::LayerNorm>(graph, writer)) return {weights_of(graph, writer).size(), true};
  const Shape& shape = weights_of(graph, writer).shape();
  const auto* matmul = op_as<ir::MatMul>(graph, writer);
  if (matmul == nullptr) return {shape[0], false};
  return {shape[matmul->transpose_b ? 0 : 1], true};
}

std::int64_t input_channels(const Graph& graph, NodeId reader) {
  const Shape& shape = weights_of(graph, reader).shape();
  if (const auto* conv = op_as<ir::Conv>(graph, reader)) return shape[1] * conv->groups;
  return shape[op_as<ir::MatMul>(graph, reader)->transpose_b ? 1 : 0];
}

/// Grows one group from a writer.
class GroupFinder {
 public:
  GroupFinder(const Graph& graph, const ir::UseMap& uses, std::vector<bool>& taken)
      : graph_(graph), uses_(uses), taken_(taken) {}

  /// False if the values cannot be scaled.
  bool find(NodeId writer, ChannelGroup& group) {
    const auto [channels, last] = channels_of(graph_, writer);
    group = {};
    group.channels = channels;
    channels_last_ = last;
    pending_ = {graph_.node(writer).outputs[0]};
    bool possible = true;
    while (!pending_.empty()) {
      const ValueId value = pending_.back();
      pending_.pop_back();
      if (taken_[static_cast<std::size_t>(value)]) continue;
      taken_[static_cast<std::size_t>(value)] = true;
      group.values.push_back(value);
      // All members are visited even when one forbids: the others must not try again.
      possible = join(value, group) && possible;
    }
    return possible && !group.readers.empty();
  }

 private:
  bool join(ValueId value, ChannelGroup& group) {
    if (graph_.value(value).dtype != DType::kFloat32 || graph_.is_graph_output(value)) return false;
    return join_producer(value, group) && join_users(value, group);
  }

  bool join_producer(ValueId value, ChannelGroup& group) {
    const NodeId producer = graph_.value(value).producer;
    const Role role = role_of(graph_, producer);
    if (role == Role::kAdd) {
      push_operands(producer);
      return true;
    }
    if (role == Role::kNone) return false;
    group.writers.push_back(producer);
    return channels_of(graph_, producer) == std::pair(group.channels, channels_last_);
  }

  bool join_users(ValueId value, ChannelGroup& group) {
    bool possible = true;
    for (NodeId user : uses_.users(value)) {
      const Role role = role_of(graph_, user);
      if (role == Role::kAdd) {
        push_operands(user);
        pending_.push_back(graph_.node(user).outputs[0]);
      } else if (role == Role::kWeighted && graph_.node(user).inputs[0] == value) {
        const bool conv = op_as<ir::Conv>(graph_, user) != nullptr;
        possible =
            possible && conv != channels_last_ && input_channels(graph_, user) == group.channels;
        group.readers.push_back(user);
      } else {
        possible = false;
      }
    }
    return possible;
  }

  void push_operands(NodeId add) {
    for (ValueId operand : graph_.node(add).inputs) pending_.push_back(operand);
  }

  const Graph& graph_;
  const ir::UseMap& uses_;
  std::vector<bool>& taken_;
  std::vector<ValueId> pending_;
  bool channels_last_ = false;
};

}  // namespace

std::vector<ChannelGroup> find_channel_groups(const Graph& graph) {
  const ir::UseMap uses(graph);
  std::vector<bool> taken(graph.value_count(), false);
  std::vector<ChannelGroup> groups;
  for (NodeId id : graph.order()) {
    const Role role = role_of(graph, id);
    if (role != Role::kWeighted && role != Role::kNorm) continue;
    if (taken[static_cast<std::size_t>(graph.node(id).outputs[0])]) continue;
    ChannelGroup group;
    if (GroupFinder(graph, uses, taken).find(id, group)) groups.push_back(std::move(group));
  }
  return groups;
}

std::size_t input_channel(const Graph& graph, NodeId reader, std::size_t index) {
  const Shape& shape = weights_of(graph, reader).shape();
  if (const auto* matmul = op_as<ir::MatMul>(graph, reader)) {
    const auto columns = static_cast<std::size_t>(shape[1]);
    return matmul->transpose_b ? index % columns : index / columns;
  }
  const auto* conv = op_as<ir::Conv>(graph, reader);
  const auto in_group = static_cast<std::size_t>(shape[1]);
  const std::size_t row = static_cast<std::size_t>(weights_of(graph, reader).size() / shape[0]);
  const std::size_t rows_in_group = static_cast<std::size_t>(shape[0] / conv->groups);
  const std::size_t group = index / row / rows_in_group;
  return group * in_group + index % row / (row / in_group);
}

std::size_t output_channel(const Graph& graph, NodeId writer, std::size_t index) {
  if (op_as<ir::LayerNorm>(graph, writer)) return index;
  const Shape& shape = weights_of(graph, writer).shape();
  const auto* matmul = op_as<ir::MatMul>(graph, writer);
  const auto columns = static_cast<std::size_t>(shape[1]);
  if (matmul != nullptr) return matmul->transpose_b ? index / columns : index % columns;
  return index / static_cast<std::size_t>(weights_of(graph, writer).size() / shape[0]);
}

}  // namespace xinfer::passes
