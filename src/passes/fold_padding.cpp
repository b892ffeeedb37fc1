#include "passes/fold_padding.h"

#include <algorithm>

#include "passes/match.h"

namespace xinfer::passes {
namespace {

using ir::Graph;
using ir::NodeId;

/// Zeros around the spatial axes only, nothing cropped.
bool pads_space_with_zeros(const ir::Pad& pad) {
  if (pad.mode != kernels::PadMode::kConstant || pad.value != 0 || pad.pads_begin.size() < 3) {
    return false;
  }
  const auto not_negative = [](std::int64_t n) { return n >= 0; };
  return std::all_of(pad.pads_begin.begin(), pad.pads_begin.end(), not_negative) &&
         std::all_of(pad.pads_end.begin(), pad.pads_end.end(), not_negative) &&
         std::all_of(pad.pads_begin.begin(), pad.pads_begin.begin() + 2,
                     [](std::int64_t n) { return n == 0; }) &&
         std::all_of(pad.pads_end.begin(), pad.pads_end.begin() + 2,
                     [](std::int64_t n) { return n == 0; });
}

template <typename Window>
void add_pads(Window& window, const ir::Pad& pad) {
  for (std::size_t axis = 0; axis < window.pads_begin.size(); ++axis) {
    window.pads_begin[axis] += pad.pads_begin[axis + 2];
    window.pads_end[axis] += pad.pads_end[axis + 2];
  }
}

/// The pooling that counts the pads; false where that would divide by another count: a partial
/// window (ceil_mode), its own uncounted pads, or pads as wide as the kernel.
bool pad_pool(ir::Pool& pool, const ir::Pad& pad) {
  const auto own_pads = [](std::int64_t n) { return n != 0; };
  const bool pads_itself = std::any_of(pool.pads_begin.begin(), pool.pads_begin.end(), own_pads) ||
                           std::any_of(pool.pads_end.begin(), pool.pads_end.end(), own_pads);
  if (pool.kind != kernels::PoolKind::kAverage || pool.ceil_mode ||
      (pads_itself && !pool.count_include_pad)) {
    return false;
  }
  add_pads(pool, pad);
  pool.count_include_pad = true;
  for (std::size_t axis = 0; axis < pool.kernel.size(); ++axis) {
    const std::int64_t extent = (pool.kernel[axis] - 1) * pool.dilations[axis] + 1;
    if (std::max(pool.pads_begin[axis], pool.pads_end[axis]) >= extent) return false;
  }
  return true;
}

void fold_into(Graph& graph, NodeId id) {
  const bool is_window = op_as<ir::Conv>(graph, id) || op_as<ir::Pool>(graph, id);
  if (!is_window) return;
  const NodeId pad_node = producer_as<ir::Pad>(graph, graph.node(id).inputs[0]);
  if (pad_node == ir::kNoNode) return;
  const ir::Pad& pad = *op_as<ir::Pad>(graph, pad_node);
  if (!pads_space_with_zeros(pad)) return;
  if (auto* conv = op_as<ir::Conv>(graph, id)) {
    add_pads(*conv, pad);
  } else {
    ir::Pool pool = *op_as<ir::Pool>(graph, id);
    if (!pad_pool(pool, pad)) return;
    graph.node(id).op = std::move(pool);
  }
  add_origins(graph, id, pad_node);
  graph.node(id).inputs[0] = graph.node(pad_node).inputs[0];
}

}  // namespace

Status fold_padding(Graph& graph) {
  for (NodeId id : graph.order()) fold_into(graph, id);
  graph.remove_dead_nodes();
  return Status();
}

}  // namespace xinfer::passes
