#include "kernels/conv/product_parts.h"

#include <algorithm>

#include "kernels/conv/accumulator_store.h"
#include "kernels/conv/column_blocks.h"

namespace xinfer::kernels {

alignas(64) const std::int32_t kZeroStart[kMaxStoreColumns] = {};

BlockingProblem tiled_problem(const ConvShape& shape, const GemmKernel& kernel,
                              const ConvTactic& tactic, int threads) {
  BlockingProblem problem;
  problem.rows = shape.pixels();
  problem.column_blocks =
      static_cast<std::int64_t>(plan_columns(shape, kernel.type, tactic.tile_panels).size());
  problem.tile_rows = tactic.tile_rows;
  problem.tile_columns = tactic.tile_panels * kPanelChannels;
  problem.strips = kernel.run_strip != nullptr;
  problem.store_ns = estimated_store_ns(kernel);
  problem.steps_per_ns = estimated_steps_per_ns(kernel);
  problem.threads = threads;
  return problem;
}

ProductPart product_part(const ConvTactic& tactic, std::size_t index, std::int64_t rows,
                         std::int64_t unit, std::size_t column_blocks) {
  const auto column_parts = static_cast<std::size_t>(tactic.column_parts);
  const auto row_part = static_cast<std::int64_t>(index / column_parts);
  const std::size_t column_part = index % column_parts;
  const std::int64_t units = (rows + unit - 1) / unit;
  ProductPart part;
  part.index = index;
  part.begin = units * row_part / tactic.row_parts * unit;
  part.end = std::min(rows, units * (row_part + 1) / tactic.row_parts * unit);
  part.first_column = column_blocks * column_part / column_parts;
  part.last_column = column_blocks * (column_part + 1) / column_parts;
  return part;
}

}  // namespace xinfer::kernels
