// What the drivers of products have in common: the part of the cost model's problem that does not
// depend on how rows are found, and the share of every part that threads claim.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/thread_pool.h"
#include "kernels/conv/blocking.h"
#include "kernels/conv/tactic.h"

namespace xinfer::kernels {

/// Start values of layers that need no compensation.
extern const std::int32_t kZeroStart[];

/// The problem in tiles of the tactic: rows are the output's pixels, columns its channels. What a
/// row costs to be read (row_bytes to copied_bytes, steps, column_bytes) is left to the driver.
BlockingProblem tiled_problem(const ConvShape& shape, const GemmKernel& kernel,
                              const ConvTactic& tactic, int threads);

/// Rows (or lines) [begin, end) with column blocks [first_column, last_column).
struct ProductPart {
  std::size_t index = 0;
  std::int64_t begin = 0, end = 0;
  std::size_t first_column = 0, last_column = 0;
};

/// Part `index` of the tactic's row_parts x column_parts; rows are shared in whole `unit`s.
ProductPart product_part(const ConvTactic& tactic, std::size_t index, std::int64_t rows,
                         std::int64_t unit, std::size_t column_blocks);

inline std::size_t part_count(const ConvTactic& tactic) {
  return static_cast<std::size_t>(tactic.row_parts) * static_cast<std::size_t>(tactic.column_parts);
}

/// Calls `run(ProductPart)` for every part, on the pool's threads.
template <typename RunPart>
void run_parts(ThreadPool& pool, const ConvTactic& tactic, std::int64_t rows, std::int64_t unit,
               std::size_t column_blocks, const RunPart& run) {
  pool.parallel_for(part_count(tactic), [&](std::size_t index) {
    run(product_part(tactic, index, rows, unit, column_blocks));
  });
}

/// A part's lines a block at a time, of which none crosses the end of an image: calls
/// `run(first_line, lines)`.
template <typename RunBlock>
void for_each_line_block(const ProductPart& part, const ConvTactic& tactic,
                         std::int64_t image_lines, const RunBlock& run) {
  for (std::int64_t line = part.begin; line < part.end;) {
    const std::int64_t image_end = (line / image_lines + 1) * image_lines;
    std::int64_t lines = tactic.block_rows;
    if (lines > part.end - line) lines = part.end - line;
    if (lines > image_end - line) lines = image_end - line;
    run(line, lines);
    line += lines;
  }
}

}  // namespace xinfer::kernels
