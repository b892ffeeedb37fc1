#include "lower/lower.h"

#include "ir/text.h"
#include "lower/chains.h"
#include "lower/concat_slices.h"
#include "lower/handlers.h"
#include "lower/lowering.h"
#include "lower/memory_plan.h"
#include "lower/operand_types.h"

namespace xinfer::lower {

Status unsupported_node(const ir::Node& node, const std::string& what) {
  return unsupported("node \"{}\" ({}): {}", node.name, ir::op_name(node.op), what);
}

Layout agnostic_layout(const Lowering& lowering, const ir::Node& node) {
  const ir::Graph& graph = lowering.graph();
  const std::size_t rank = graph.value(node.outputs[0]).shape.size();
  for (ir::ValueId input : node.inputs) {
    if (input == ir::kNoValue || graph.value(input).is_constant()) continue;
    if (graph.value(input).shape.size() != rank) continue;
    if (lowering.native_layout(input) == Layout::kChannelsLast) return Layout::kChannelsLast;
  }
  return Layout::kPlain;
}

Status lower_graph(Lowering& lowering) {
  const ir::Graph& graph = lowering.graph();
  lowering.add_inputs();
  for (ir::NodeId id : graph.order()) {
    const ir::Node& node = graph.node(id);
    XINFER_RETURN_IF_ERROR(check_operand_types(graph, node));
    XINFER_RETURN_IF_ERROR(
        std::visit([&](const auto& op) { return lower_op(lowering, node, op); }, node.op));
  }
  return lowering.add_outputs();
}

Result<std::unique_ptr<fb::PlanT>> lower_cpu(const ir::Graph& graph, const SymbolRanges& symbols,
                                             engine::BlobWriter& blobs) {
  Lowering lowering(graph, blobs);
  XINFER_RETURN_IF_ERROR(lower_graph(lowering));
  write_concat_slices(lowering);
  mark_chains(lowering);
  XINFER_RETURN_IF_ERROR(plan_memory(lowering, symbols, InPlace::kYes));
  return lowering.take_plan();
}

}  // namespace xinfer::lower
