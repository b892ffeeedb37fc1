#include "ir/graph.h"

#include <algorithm>
#include <utility>

namespace xinfer::ir {
namespace {

bool reads(const Node& node, ValueId id) {
  return std::find(node.inputs.begin(), node.inputs.end(), id) != node.inputs.end();
}

}  // namespace

std::int32_t NameIndex::find(std::string_view name) const {
  const auto it = ids_.find(name);
  return it == ids_.end() ? -1 : it->second;
}

std::string NameIndex::unused(const std::string& base) const {
  if (!ids_.contains(base)) return base;
  const auto hint = next_suffix_.find(base);
  for (int suffix = hint == next_suffix_.end() ? 2 : hint->second;; ++suffix) {
    std::string candidate = base + "_" + std::to_string(suffix);
    if (!ids_.contains(candidate)) return candidate;
  }
}

std::string NameIndex::claim(const std::string& base, std::int32_t id) {
  std::string name = unused(base);
  if (name.size() != base.size()) {
    next_suffix_[base] = std::stoi(name.substr(base.size() + 1)) + 1;
  }
  ids_.emplace(name, id);
  return name;
}

void NameIndex::release(const std::string& name, std::int32_t id) {
  const auto it = ids_.find(name);
  if (it != ids_.end() && it->second == id) ids_.erase(it);
}

ValueId Graph::make_value(Value value) {
  const auto id = static_cast<ValueId>(values_.size());
  value.name = value_names_.claim(value.name, id);
  values_.push_back(std::move(value));
  return id;
}

ValueId Graph::add_input(std::string wanted, DType dtype, SymbolicShape shape) {
  Value value;
  value.name = std::move(wanted);
  value.dtype = dtype;
  value.shape = std::move(shape);
  inputs_.push_back(make_value(std::move(value)));
  return inputs_.back();
}

ValueId Graph::add_constant(std::string wanted, Tensor tensor) {
  Value value;
  value.name = std::move(wanted);
  value.dtype = tensor.dtype();
  value.shape.assign(tensor.shape().begin(), tensor.shape().end());
  value.constant = std::move(tensor);
  return make_value(std::move(value));
}

NodeId Graph::make_node(std::string wanted, Op op, std::vector<ValueId> inputs,
                        const std::vector<std::string>& output_names) {
  const auto id = static_cast<NodeId>(nodes_.size());
  Node node;
  node.op = std::move(op);
  node.inputs = std::move(inputs);
  for (const std::string& output_name : output_names) {
    if (output_name.empty()) {
      node.outputs.push_back(kNoValue);
      continue;
    }
    Value value;
    value.name = output_name;
    value.producer = id;
    value.producer_output = static_cast<int>(node.outputs.size());
    node.outputs.push_back(make_value(std::move(value)));
  }
  if (wanted.empty()) {
    const auto first = std::find_if(output_names.begin(), output_names.end(),
                                    [](const std::string& text) { return !text.empty(); });
    wanted = first == output_names.end() ? op_name(node.op) : *first;
  }
  node.name = node_names_.claim(wanted, id);
  node.origins = {node.name};
  nodes_.push_back(std::move(node));
  return id;
}

NodeId Graph::add_node(std::string wanted, Op op, std::vector<ValueId> inputs,
                       const std::vector<std::string>& output_names) {
  const NodeId id = make_node(std::move(wanted), std::move(op), std::move(inputs), output_names);
  order_.push_back(id);
  return id;
}

void Graph::add_output(std::string wanted, ValueId value) {
  outputs_.push_back({std::move(wanted), value});
}

ValueId Graph::find_value(std::string_view wanted) const { return value_names_.find(wanted); }

NodeId Graph::find_node(std::string_view wanted) const { return node_names_.find(wanted); }

bool Graph::is_live(ValueId id) const {
  const Value& candidate = value(id);
  if (candidate.producer == kNoNode) return value_names_.find(candidate.name) == id;
  const Node& producer = node(candidate.producer);
  return !producer.removed &&
         std::find(producer.outputs.begin(), producer.outputs.end(), id) != producer.outputs.end();
}

bool Graph::is_graph_output(ValueId id) const {
  return std::any_of(outputs_.begin(), outputs_.end(),
                     [id](const GraphOutput& output) { return output.value == id; });
}

std::vector<NodeId> Graph::users(ValueId id) const {
  std::vector<NodeId> found;
  for (NodeId candidate : order_) {
    if (reads(node(candidate), id)) found.push_back(candidate);
  }
  return found;
}

std::vector<NodeId>::iterator Graph::position_of(NodeId id) {
  return std::find(order_.begin(), order_.end(), id);
}

NodeId Graph::insert_node_before(NodeId position, std::string wanted, Op op,
                                 std::vector<ValueId> inputs,
                                 const std::vector<std::string>& output_names) {
  const NodeId id = make_node(std::move(wanted), std::move(op), std::move(inputs), output_names);
  order_.insert(position_of(position), id);
  return id;
}

NodeId Graph::insert_node_after(NodeId position, std::string wanted, Op op,
                                std::vector<ValueId> inputs,
                                const std::vector<std::string>& output_names) {
  const NodeId id = make_node(std::move(wanted), std::move(op), std::move(inputs), output_names);
  order_.insert(std::next(position_of(position)), id);
  return id;
}

void Graph::replace_uses(ValueId from, ValueId to) {
  const NodeId producer = value(to).producer;
  for (NodeId id : order_) {
    if (id == producer) continue;
    std::replace(node(id).inputs.begin(), node(id).inputs.end(), from, to);
  }
  for (GraphOutput& output : outputs_) {
    if (output.value == from) output.value = to;
  }
}

void Graph::mark_removed(NodeId id) {
  Node& gone = node(id);
  gone.removed = true;
  node_names_.release(gone.name, id);
  for (ValueId output : gone.outputs) {
    if (output != kNoValue) value_names_.release(value(output).name, output);
  }
}

void Graph::remove_node(NodeId id) {
  if (node(id).removed) return;
  order_.erase(position_of(id));
  mark_removed(id);
}

void Graph::adopt_output(NodeId id, int output, ValueId adopted) {
  ValueId& slot = node(id).outputs[static_cast<std::size_t>(output)];
  if (slot == adopted) return;
  if (slot != kNoValue) value_names_.release(value(slot).name, slot);
  Value& new_output = value(adopted);
  if (new_output.producer != kNoNode) {
    std::vector<ValueId>& old_outputs = node(new_output.producer).outputs;
    std::replace(old_outputs.begin(), old_outputs.end(), adopted, kNoValue);
  }
  slot = adopted;
  new_output.producer = id;
  new_output.producer_output = output;
}

void Graph::rename_value(ValueId id, const std::string& wanted) {
  value_names_.release(value(id).name, id);
  value(id).name = value_names_.claim(wanted, id);
}

void Graph::rename_node(NodeId id, const std::string& wanted) {
  node_names_.release(node(id).name, id);
  node(id).name = node_names_.claim(wanted, id);
}

void Graph::move_after(NodeId id, NodeId position) {
  if (id == position) return;
  order_.erase(position_of(id));
  order_.insert(std::next(position_of(position)), id);
}

int Graph::remove_dead_nodes() {
  std::vector<bool> needed(values_.size(), false);
  for (const GraphOutput& output : outputs_) needed[static_cast<std::size_t>(output.value)] = true;
  std::vector<NodeId> dead;
  for (auto it = order_.rbegin(); it != order_.rend(); ++it) {
    const Node& candidate = node(*it);
    const bool live = std::any_of(
        candidate.outputs.begin(), candidate.outputs.end(),
        [&](ValueId id) { return id != kNoValue && needed[static_cast<std::size_t>(id)]; });
    if (!live) {
      dead.push_back(*it);
      continue;
    }
    for (ValueId input : candidate.inputs) {
      if (input != kNoValue) needed[static_cast<std::size_t>(input)] = true;
    }
  }
  // One sweep over the order instead of a search for each node.
  std::vector<bool> is_dead(nodes_.size(), false);
  for (NodeId id : dead) is_dead[static_cast<std::size_t>(id)] = true;
  std::erase_if(order_, [&](NodeId id) { return is_dead[static_cast<std::size_t>(id)]; });
  for (NodeId id : dead) mark_removed(id);
  return static_cast<int>(dead.size());
}

std::string Graph::unique_name(const std::string& base) const { return value_names_.unused(base); }

UseMap::UseMap(const Graph& graph) : users_(graph.value_count()) {
  for (NodeId id : graph.order()) {
    for (ValueId input : graph.node(id).inputs) {
      if (input == kNoValue) continue;
      std::vector<NodeId>& users = users_[static_cast<std::size_t>(input)];
      if (users.empty() || users.back() != id) users.push_back(id);
    }
  }
}

}  // namespace xinfer::ir
