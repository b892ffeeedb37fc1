#include "compile/describe_graph.h"

namespace xinfer::compile {
namespace {

std::string type_of(const ir::Value& value) {
  return std::string(to_string(value.dtype)) + ir::to_string(value.shape);
}

BindingInfo describe(const std::string& name, const ir::Value& value) {
  BindingInfo info;
  info.name = name;
  info.dtype = value.dtype;
  info.dims = dims_of(value);
  for (const ir::Dim& dim : value.shape) {
    info.min.push_back(dim.is_constant() ? dim.constant() : 1);
    info.max.push_back(dim.is_constant() ? dim.constant() : -1);
  }
  info.opt = info.min;
  return info;
}

std::vector<std::string> names_of(const ir::Graph& graph, const std::vector<ir::ValueId>& values) {
  std::vector<std::string> names;
  for (ir::ValueId id : values) names.push_back(id == ir::kNoValue ? "" : graph.value(id).name);
  return names;
}

}  // namespace

std::vector<std::string> dims_of(const ir::Value& value) {
  std::vector<std::string> dims;
  for (const ir::Dim& dim : value.shape) {
    const std::string symbol = dim.symbol_name();
    dims.push_back(symbol.empty() ? dim.to_string() : symbol);
  }
  return dims;
}

std::vector<BindingInfo> describe_inputs(const ir::Graph& graph) {
  std::vector<BindingInfo> inputs;
  for (ir::ValueId id : graph.inputs()) {
    inputs.push_back(describe(graph.value(id).name, graph.value(id)));
  }
  return inputs;
}

std::vector<BindingInfo> describe_outputs(const ir::Graph& graph) {
  std::vector<BindingInfo> outputs;
  for (const ir::GraphOutput& output : graph.outputs()) {
    outputs.push_back(describe(output.name, graph.value(output.value)));
  }
  return outputs;
}

std::vector<builders::NodeInfo> describe_nodes(const ir::Graph& graph) {
  std::vector<builders::NodeInfo> nodes;
  for (ir::NodeId id : graph.order()) {
    const ir::Node& node = graph.node(id);
    builders::NodeInfo& info = nodes.emplace_back();
    info.name = node.name;
    info.op = ir::op_name(node.op);
    info.inputs = names_of(graph, node.inputs);
    info.outputs = names_of(graph, node.outputs);
    const bool has_output = !node.outputs.empty() && node.outputs[0] != ir::kNoValue;
    if (has_output) info.output_type = type_of(graph.value(node.outputs[0]));
  }
  return nodes;
}

}  // namespace xinfer::compile
