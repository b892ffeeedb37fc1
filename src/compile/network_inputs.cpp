// Network: layers that come to read other values.
#include <algorithm>
#include <set>

#include "compile/network_state.h"
#include "ir/infer.h"
#include "xinfer/core/error.h"

namespace xinfer::builders {
namespace {

/// `first` and all that depends on it, in execution order, up to `last`.
std::vector<ir::NodeId> dependents(const ir::Graph& graph, ir::NodeId first, ir::NodeId last) {
  std::vector<ir::NodeId> found = {first};
  std::set<ir::ValueId> made(graph.node(first).outputs.begin(), graph.node(first).outputs.end());
  made.erase(ir::kNoValue);
  const std::vector<ir::NodeId>& order = graph.order();
  const auto begin = std::find(order.begin(), order.end(), first);
  const auto end = std::find(begin, order.end(), last);
  for (auto it = std::next(begin); it != order.end() && it <= end; ++it) {
    const ir::Node& node = graph.node(*it);
    const bool depends = std::any_of(node.inputs.begin(), node.inputs.end(),
                                     [&](ir::ValueId input) { return made.contains(input); });
    if (!depends) continue;
    found.push_back(*it);
    for (ir::ValueId output : node.outputs) {
      if (output != ir::kNoValue) made.insert(output);
    }
  }
  return found;
}

/// Brings `node`, and what depends on it, behind the node that it is going to read.
Status move_behind(ir::Graph& graph, ir::NodeId node, ir::NodeId producer) {
  const std::vector<ir::NodeId>& order = graph.order();
  const auto place = std::find(order.begin(), order.end(), node);
  if (node != producer && std::find(place, order.end(), producer) == order.end()) return {};
  const std::vector<ir::NodeId> moved = dependents(graph, node, producer);
  if (moved.back() == producer) {
    return invalid_argument("layer \"{}\" cannot read what depends on it, of layer \"{}\"",
                            graph.node(node).name, graph.node(producer).name);
  }
  for (ir::NodeId position = producer; ir::NodeId id : moved) {
    graph.move_after(id, position);
    position = id;
  }
  return {};
}

}  // namespace

void Network::set_input(const std::string& layer, std::size_t index, Value value) {
  const ir::NodeId node = state_->graph.find_node(layer);
  const std::size_t count = node == ir::kNoNode ? 0 : state_->graph.node(node).inputs.size();
  if (index >= count) {
    throw Error(ErrorCode::kInvalidArgument, "input " + std::to_string(index) + " of layer \"" +
                                                 layer + "\", which has " + std::to_string(count));
  }
  ir::Graph changed = state_->graph;
  if (const ir::NodeId producer = state_->value(value).producer; producer != ir::kNoNode) {
    move_behind(changed, node, producer).value();
  }
  changed.node(node).inputs[index] = value.id;
  ir::infer_shapes(changed).value();
  state_->graph = std::move(changed);
}

}  // namespace xinfer::builders
