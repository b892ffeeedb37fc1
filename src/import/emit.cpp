#include "import/emit.h"

#include "import/expression.h"
#include "ir/infer.h"

namespace xinfer::import {

namespace {

Status too_large(const std::string& what, const std::string& name, const ir::SymbolicShape& shape) {
  return invalid_model("{} \"{}\" of shape {} is too large", what, name, ir::to_string(shape));
}

/// Shapes that an op carries must be safe to compute with before its outputs are inferred.
Status check_op(const std::string& name, const ir::Op& op) {
  const ir::SymbolicShape* shape = nullptr;
  if (const auto* reshape = std::get_if<ir::Reshape>(&op)) shape = &reshape->shape;
  if (const auto* expand = std::get_if<ir::Expand>(&op)) shape = &expand->shape;
  if (const auto* resize = std::get_if<ir::Resize>(&op)) shape = &resize->size;
  if (shape != nullptr && !is_moderate(*shape)) return too_large("node", name, *shape);
  if (const auto* slice = std::get_if<ir::Slice>(&op)) {
    for (const ir::SymbolicShape* dims : {&slice->start, &slice->size}) {
      if (!is_moderate(*dims)) return too_large("node", name, *dims);
    }
  }
  return Status();
}

}  // namespace

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
    if (dim.constant() == 0) continue;
    if (__builtin_mul_overflow(count, dim.constant(), &count) || count > kMaxElements) {
      return too_large("value", name, shape);
    }
  }
  return is_moderate(shape) ? Status() : too_large("value", name, shape);
}

Result<ir::NodeId> emit_node(ir::Graph& graph, std::string name, ir::Op op,
                             std::vector<ir::ValueId> inputs,
                             std::vector<std::string> output_names) {
  XINFER_RETURN_IF_ERROR(check_op(name, op));
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
