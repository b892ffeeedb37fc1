// A small two-dimensional transpose, the building block of layout changes.
#pragma once

#include <cstdint>
#include <cstring>

namespace xinfer::kernels {

/// y[c][r] = x[r][c] for r < rows, c < columns; strides in elements from one row to the next.
/// Element sizes of 1, 2, 4 and 8 bytes. Meant for tiles that fit into the L1 cache.
void transpose_tile(int element_bytes, std::int64_t rows, std::int64_t columns, const void* x,
                    std::int64_t x_stride, void* y, std::int64_t y_stride);

}  // namespace xinfer::kernels
