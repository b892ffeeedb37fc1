#include "passes/share_common_subexpressions.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "ir/text_fields.h"
#include "passes/match.h"

namespace xinfer::passes {
namespace {

using ir::Graph;
using ir::NodeId;
using ir::ValueId;

/// Exporters repeat numbers; biases and weights that happen to be equal keep their names.
constexpr std::int64_t kLargestSharedConstant = 1;

std::string contents_of(const ir::Value& value) {
  const Tensor& tensor = *value.constant;
  std::string key =
      fmt::format("{}{} {}:", to_string(tensor.dtype()), to_string(tensor.shape()), value.scale);
  return key.append(static_cast<const char*>(tensor.data()), tensor.size_bytes());
}

void share_constants(Graph& graph) {
  std::map<std::string, ValueId> first;
  std::vector<ValueId> shared(graph.value_count());
  for (std::size_t i = 0; i < shared.size(); ++i) {
    shared[i] = static_cast<ValueId>(i);
    const ir::Value& value = graph.value(shared[i]);
    if (!value.is_constant() || value.constant->size() > kLargestSharedConstant) continue;
    shared[i] = first.emplace(contents_of(value), shared[i]).first->second;
  }
  for (NodeId id : graph.order()) {
    for (ValueId& input : graph.node(id).inputs) {
      if (input != ir::kNoValue) input = shared[static_cast<std::size_t>(input)];
    }
  }
}

/// Equal for nodes that compute the same; a Quantize is told by the grid of what it writes.
std::string key_of(const Graph& graph, const ir::Node& node) {
  std::string key = fmt::format("{} {}", ir::op_name(node.op), ir::fields_text(node.op));
  for (ValueId input : node.inputs) key += fmt::format(" {}", input);
  for (ValueId output : node.outputs) {
    key += output == ir::kNoValue ? " _" : " y";
    if (output == ir::kNoValue || !graph.value(output).is_quantized()) continue;
    key += fmt::format("{}{}", to_string(graph.value(output).dtype), graph.value(output).scale);
  }
  return key;
}

/// Two graph outputs stay two values.
bool are_both_outputs(const Graph& graph, NodeId kept, NodeId repeated) {
  const auto is_output = [&](ValueId id) {
    return id != ir::kNoValue && graph.is_graph_output(id);
  };
  const auto any = [&](NodeId id) {
    return std::any_of(graph.node(id).outputs.begin(), graph.node(id).outputs.end(), is_output);
  };
  return any(kept) && any(repeated);
}

void share_outputs(Graph& graph, NodeId kept, NodeId repeated) {
  add_origins(graph, kept, repeated);
  const std::vector<ValueId> outputs = graph.node(repeated).outputs;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i] != ir::kNoValue) graph.replace_uses(outputs[i], graph.node(kept).outputs[i]);
  }
  graph.remove_node(repeated);
}

}  // namespace

Status share_common_subexpressions(Graph& graph) {
  share_constants(graph);
  std::map<std::string, NodeId> first;
  const std::vector<NodeId> nodes = graph.order();
  for (NodeId id : nodes) {
    const auto [found, inserted] = first.emplace(key_of(graph, graph.node(id)), id);
    if (inserted || are_both_outputs(graph, found->second, id)) continue;
    share_outputs(graph, found->second, id);
  }
  return Status();
}

}  // namespace xinfer::passes
