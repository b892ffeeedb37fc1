// Packing of run-time operands into the panels of kernels/conv/gemm_kernel.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/conv/gemm_kernel.h"

namespace xinfer::kernels {

/// A stored matrix: element (row, column) at data[row * row_stride + column].
struct MatrixView {
  const std::byte* data = nullptr;
  std::int64_t row_stride = 0;
  std::int64_t element_bytes = 1;
};

/// Packs b ([k, n], or [n, k] if `transposed`) into ceil(n / 16) panels of panel_bytes(k, type).
void pack_panels(const MatrixView& b, bool transposed, std::int64_t k, std::int64_t n,
                 ConvType type, std::byte* panels);

/// compensation[c] = -128 * sum of channel c's weights, for all padded channels, by `kernel`
/// itself: one row of ones. `ones` has steps * 4 bytes of value 1.
void sum_panels(const GemmKernel& kernel, const std::byte* panels, std::int64_t k, std::int64_t n,
                const std::byte* ones, std::int32_t* compensation);

/// to[c * rows + r] = from(r, c) for elements of 1 or 4 bytes.
void transpose_matrix(const MatrixView& from, std::int64_t rows, std::int64_t columns,
                      std::byte* to);

}  // namespace xinfer::kernels
