// Products of two operands that are both computed at run time, batched: attention's Q K^T and P V.
//
//   acc[i][r, n] = sum over k of a[i][r, k] * b[i][k, n]
//   y[i][r, n]   = epilogue(acc[i][r, n])      pixel of the epilogue: i * m + r
//
// `b` is packed on every run into the caller's workspace, then the micro-kernels of conv/ do the
// work; the arithmetic, exactness and FMA order are those of conv.h. A constant `b` is a 1x1
// convolution and packed once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/cpu_isa.h"
#include "core/status.h"
#include "core/thread_pool.h"
#include "kernels/conv/conv.h"

namespace xinfer::kernels {

struct MatmulShape {
  std::int64_t m = 1, n = 1, k = 1;
  bool transpose_a = false;       ///< a is stored [k, m], else [m, k]
  bool transpose_b = false;       ///< b is stored [n, k], else [k, n]
  std::int64_t a_row_stride = 0;  ///< elements from one stored row of a to the next
  std::int64_t b_row_stride = 0;
  std::int64_t y_row_stride = 0;  ///< elements; batch i of y begins at row i * m
  /// Offset in elements of every batch's operand; equal offsets broadcast. Both have one entry a
  /// batch, at least one.
  std::vector<std::int64_t> a_offsets = {0};
  std::vector<std::int64_t> b_offsets = {0};

  std::int64_t batch() const { return static_cast<std::int64_t>(a_offsets.size()); }
};

/// Bytes of workspace, 64-byte aligned, that a product needs; the same for every instruction set
/// and number of threads, monotonic in every size.
std::size_t matmul_workspace_size(const MatmulShape& shape, ConvType type);

struct MatmulArguments {
  const void* a = nullptr;  ///< float32, u8 or s8 as the type says
  const void* b = nullptr;  ///< float32 or s8
  void* y = nullptr;
  void* workspace = nullptr;
  Epilogue epilogue;  ///< multiplier and bias: [n], the same for every batch
};

/// A product made ready; `run` packs b and multiplies, without allocating. Operands may be read up
/// to 64 bytes behind their end.
Result<std::unique_ptr<Convolution>> make_matmul(const MatmulShape& shape, ConvType type,
                                                 const MatmulArguments& arguments, CpuIsa isa,
                                                 int threads);

/// From the definition, as convolution_reference. For tests.
void matmul_reference(const MatmulShape& shape, ConvType type, const void* a, const void* b,
                      void* y, const Epilogue& epilogue);

}  // namespace xinfer::kernels
