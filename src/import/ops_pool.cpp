// MaxPool, AveragePool, GlobalMaxPool, GlobalAveragePool.
#include "import/registry.h"
#include "import/window.h"

namespace xinfer::import {
namespace {

using kernels::PoolKind;

Result<ir::Pool> read_pool(NodeContext& node, ir::ValueId x, PoolKind kind) {
  XINFER_ASSIGN_OR_RETURN(Window window, read_window(node, node.value(x).shape, {}));
  ir::Pool pool;
  pool.kind = kind;
  pool.kernel = std::move(window.kernel);
  pool.strides = std::move(window.strides);
  pool.dilations = std::move(window.dilations);
  pool.pads_begin = std::move(window.pads_begin);
  pool.pads_end = std::move(window.pads_end);
  pool.ceil_mode = node.attributes().flag("ceil_mode", false);
  return pool;
}

Status convert_max_pool(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
  XINFER_ASSIGN_OR_RETURN(ir::Pool pool, read_pool(node, x, PoolKind::kMax));
  pool.column_major_indices = node.attributes().flag("storage_order", false);
  return node.outputs(std::move(pool), {x});
}

Status convert_average_pool(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
  XINFER_ASSIGN_OR_RETURN(ir::Pool pool, read_pool(node, x, PoolKind::kAverage));
  pool.count_include_pad = node.attributes().flag("count_include_pad", false);
  return node.output(std::move(pool), {x});
}

Status reduce_spatial(NodeContext& node, kernels::ReduceKind kind) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
  const std::size_t rank = node.value(x).shape.size();
  if (rank < 3) return node.invalid("input has {} dimensions, needs at least 3", rank);
  ir::Reduce reduce{kind, {}, true};
  for (std::size_t axis = 2; axis < rank; ++axis) {
    reduce.axes.push_back(static_cast<std::int64_t>(axis));
  }
  return node.output(std::move(reduce), {x});
}

Status convert_global_average_pool(NodeContext& node) {
  return reduce_spatial(node, kernels::ReduceKind::kMean);
}

Status convert_global_max_pool(NodeContext& node) {
  return reduce_spatial(node, kernels::ReduceKind::kMax);
}

constexpr OpEntry kOps[] = {
    {"MaxPool", 1, kStillValid, 1, 1, convert_max_pool},
    {"AveragePool", 1, kStillValid, 1, 1, convert_average_pool},
    {"GlobalAveragePool", 1, kStillValid, 1, 1, convert_global_average_pool},
    {"GlobalMaxPool", 1, kStillValid, 1, 1, convert_global_max_pool},
};

}  // namespace

OpList pool_ops() { return kOps; }

}  // namespace xinfer::import
