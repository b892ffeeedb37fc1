#include "ir/infer.h"

#include "ir/infer_rules.h"

namespace xinfer::ir {

Result<std::vector<TensorType>> infer_types(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  const Operands operands(graph, node);
  Types types = std::visit([&](const auto& op) { return infer(op, operands); }, node.op);
  if (types.ok()) {
    if (node.outputs.size() <= types->size()) return types;
    types = invalid_model("has {} outputs, can have {}", node.outputs.size(), types->size());
  }
  return types.status().with_context(fmt::format("node \"{}\" ({})", node.name, op_name(node.op)));
}

Status infer_node(Graph& graph, NodeId id) {
  XINFER_ASSIGN_OR_RETURN(std::vector<TensorType> types, infer_types(graph, id));
  const std::vector<ValueId>& outputs = graph.node(id).outputs;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i] == kNoValue) continue;
    Value& value = graph.value(outputs[i]);
    value.shape = std::move(types[i].shape);
    if (value.is_quantized()) continue;
    value.dtype = types[i].dtype;
    value.scale = types[i].scale;
  }
  return {};
}

Status infer_shapes(Graph& graph) {
  for (NodeId id : graph.order()) XINFER_RETURN_IF_ERROR(infer_node(graph, id));
  return {};
}

}  // namespace xinfer::ir
