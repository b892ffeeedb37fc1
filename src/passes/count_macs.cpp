#include "passes/count_macs.h"

#include "passes/match.h"

namespace xinfer::passes {
namespace {

std::int64_t evaluate(const ir::Dim& dim, const ir::Bindings& sizes) {
  const Result<std::int64_t> value = dim.evaluate(sizes);
  return value.ok() ? *value : 0;  // a symbol that no graph input has: nothing can be counted
}

}  // namespace

ir::Bindings counted_sizes(const ir::Graph& graph) {
  ir::Bindings sizes;
  for (ir::ValueId input : graph.inputs()) {
    const ir::SymbolicShape& shape = graph.value(input).shape;
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
      for (const std::string& symbol : shape[axis].symbols()) {
        if (axis == 0) {
          sizes[symbol] = 1;
        } else {
          sizes.try_emplace(symbol, kCountedSize);
        }
      }
    }
  }
  return sizes;
}

std::int64_t count_macs(const ir::Graph& graph, ir::NodeId id, const ir::Bindings& sizes) {
  const ir::Node& node = graph.node(id);
  const auto* conv = op_as<ir::Conv>(graph, id);
  const auto* matmul = op_as<ir::MatMul>(graph, id);
  if (conv == nullptr && matmul == nullptr) return 0;
  const std::int64_t outputs =
      evaluate(ir::element_count(graph.value(node.outputs[0]).shape), sizes);
  if (matmul != nullptr) {
    const ir::SymbolicShape& a = graph.value(node.inputs[0]).shape;
    return outputs * evaluate(a[a.size() - (matmul->transpose_a ? 2 : 1)], sizes);
  }
  const ir::SymbolicShape& w = graph.value(node.inputs[1]).shape;
  return outputs * evaluate(ir::element_count({w.begin() + 1, w.end()}), sizes);
}

}  // namespace xinfer::passes
