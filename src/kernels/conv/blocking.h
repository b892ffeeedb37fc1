// How a matrix product [rows, depth] x [depth, columns] is cut into threads and cache blocks.
#pragma once

#include <cstdint>

namespace xinfer::kernels {

struct BlockingProblem {
  std::int64_t rows = 0;           ///< output pixels
  std::int64_t column_blocks = 0;  ///< tiles' columns over all groups
  std::int64_t tile_rows = 1;
  std::int64_t tile_columns = 16;
  std::int64_t row_bytes = 0;     ///< of one activation row
  std::int64_t image_bytes = 0;   ///< of all activations that the rows are made of
  std::int64_t column_bytes = 0;  ///< of one column block's weights
  std::int64_t steps = 0;
  std::int64_t row_runs = 1;  ///< pieces that gathering copies to a row
  /// Rows are used where they lie, or cost `row_bytes` of copying each.
  bool gathered = true;
  /// One call computes all rows of a block with a column block, so that blocks may be long.
  bool strips = false;
  /// Bytes copied before rows are read, over all rows; 0 where each row is gathered, or none.
  double copied_bytes = 0;
  double store_ns = 0;      ///< of 16 outputs
  double steps_per_ns = 1;  ///< rows x channels x steps that one core does in a ns
  int threads = 1;
};

struct Blocking {
  int row_parts = 1;  ///< threads = row_parts x column_parts
  int column_parts = 1;
  std::int64_t block_rows = 1;  ///< rows gathered at once; all column blocks pass over them
  double estimated_ns = 0;
};

Blocking choose_blocking(const BlockingProblem& problem);

}  // namespace xinfer::kernels
