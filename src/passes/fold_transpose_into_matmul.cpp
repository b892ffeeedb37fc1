#include "passes/fold_transpose_into_matmul.h"

#include <algorithm>
#include <utility>

#include "passes/match.h"

namespace xinfer::passes {
namespace {

bool swaps_last_two(std::vector<std::int64_t> perm) {
  if (perm.size() < 2) return false;
  std::swap(perm[perm.size() - 2], perm[perm.size() - 1]);
  return std::is_sorted(perm.begin(), perm.end());
}

}  // namespace

Status fold_transpose_into_matmul(ir::Graph& graph) {
  for (ir::NodeId id : graph.order()) {
    auto* matmul = op_as<ir::MatMul>(graph, id);
    if (matmul == nullptr) continue;
    ir::ValueId& b = graph.node(id).inputs[1];
    const ir::NodeId transpose = producer_as<ir::Transpose>(graph, b);
    if (transpose == ir::kNoNode || !swaps_last_two(op_as<ir::Transpose>(graph, transpose)->perm)) {
      continue;
    }
    matmul->transpose_b = !matmul->transpose_b;
    b = graph.node(transpose).inputs[0];
    add_origins(graph, id, transpose);
  }
  graph.remove_dead_nodes();
  return Status();
}

}  // namespace xinfer::passes
