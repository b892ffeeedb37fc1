#include "import/emit.h"

#include "ir/infer.h"

namespace xinfer::import {

Status check_extent(const std::string& name, const ir::SymbolicShape& shape) {
  constexpr std::int64_t kMaxDim = std::int64_t{1} << 31;
  constexpr std::int64_t kMaxElements = std::int64_t{1} << 40;
  constexpr std::size_t kMaxRank = 32;
  if (shape.size() > kMaxRank) {
    return invalid_model("value \"{}\" has {} dimensions; at most {} are supported", name,
                         shape.size(), kMaxRank);
  }
  std::int64_t count = 1;
  for (const ir::Dim& dim : shape) {
    if (!dim.is_constant()) continue;
    if (dim.constant() < 0 || dim.constant() > kMaxDim) {
      return invalid_model("value \"{}\" would have shape {}", name, ir::to_string(shape));
    }
    if (dim.constant() > 0) count *= dim.constant();
    if (count > kMaxElements) {
      return invalid_model("value \"{}\" of shape {} is too large", name, ir::to_string(shape));
    }
  }
  return Status();
}

Result<ir::NodeId> emit_node(ir::Graph& graph, std::string name, ir::Op op,
                             std::vector<ir::ValueId> inputs,
                             std::vector<std::string> output_names) {
  const ir::NodeId node =
      graph.add_node(std::move(name), std::move(op), std::move(inputs), std::move(output_names));
  XINFER_RETURN_IF_ERROR(ir::infer_node(graph, node));
  for (const ir::ValueId output : graph.node(node).outputs) {
    if (output == ir::kNoValue) continue;
    XINFER_RETURN_IF_ERROR(check_extent(graph.value(output).name, graph.value(output).shape));
  }
  return node;
}

Result<ir::ValueId> emit(ir::Graph& graph, std::string name, ir::Op op,
                         std::vector<ir::ValueId> inputs, std::string output_name) {
  XINFER_ASSIGN_OR_RETURN(const ir::NodeId node,
                          emit_node(graph, std::move(name), std::move(op), std::move(inputs),
                                    {std::move(output_name)}));
  return graph.node(node).outputs[0];
}

}  // namespace xinfer::import
