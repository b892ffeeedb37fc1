#include "import/node_order.h"

#include <functional>
#include <queue>
#include <string_view>
#include <unordered_map>

namespace xinfer::import {
namespace {

/// Calls `visit` with every name that the node reads, its subgraphs included.
void for_each_read(const onnx::NodeProto& node,
                   const std::function<void(std::string_view)>& visit) {
  for (const std::string& name : node.input()) visit(name);
  for (const onnx::AttributeProto& attribute : node.attribute()) {
    for (const onnx::NodeProto& inner : attribute.g().node()) for_each_read(inner, visit);
    for (const onnx::ValueInfoProto& output : attribute.g().output()) visit(output.name());
  }
}

}  // namespace

Result<std::vector<int>> node_order(const onnx::GraphProto& graph) {
  std::unordered_map<std::string_view, int> producer;
  for (int i = 0; i < graph.node_size(); ++i) {
    for (const std::string& output : graph.node(i).output()) {
      if (!output.empty() && !producer.emplace(output, i).second) {
        return invalid_model("value \"{}\" is given by two nodes", output);
      }
    }
  }
  std::vector<std::vector<int>> users(static_cast<std::size_t>(graph.node_size()));
  std::vector<int> waiting_for(users.size(), 0);
  for (int i = 0; i < graph.node_size(); ++i) {
    for_each_read(graph.node(i), [&](std::string_view name) {
      const auto it = producer.find(name);
      if (it == producer.end()) return;
      users[static_cast<std::size_t>(it->second)].push_back(i);
      ++waiting_for[static_cast<std::size_t>(i)];
    });
  }
  // The lowest index that is ready comes first: an ordered model keeps its order.
  std::priority_queue<int, std::vector<int>, std::greater<>> ready;
  for (int i = 0; i < graph.node_size(); ++i) {
    if (waiting_for[static_cast<std::size_t>(i)] == 0) ready.push(i);
  }
  std::vector<int> order;
  while (!ready.empty()) {
    const int index = ready.top();
    ready.pop();
    order.push_back(index);
    for (const int user : users[static_cast<std::size_t>(index)]) {
      if (--waiting_for[static_cast<std::size_t>(user)] == 0) ready.push(user);
    }
  }
  for (int i = 0; i < graph.node_size(); ++i) {
    if (waiting_for[static_cast<std::size_t>(i)] > 0) {
      const onnx::NodeProto& node = graph.node(i);
      return invalid_model("node \"{}\" ({}) depends on its own output", node.name(),
                           node.op_type());
    }
  }
  return order;
}

}  // namespace xinfer::import
