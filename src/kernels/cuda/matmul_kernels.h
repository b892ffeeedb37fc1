// The CUDA kernel for products of two operands computed at run time (attention).
#pragma once

#include <cstdint>
#include <vector>

#include "core/status.h"
#include "kernels/cuda/kernel_spec.h"
#include "kernels/epilogue.h"

namespace xinfer::kernels::cuda {

/// One batch axis within an image. Strides in elements; 0 where an operand is broadcast.
struct MatmulAxis {
  std::int64_t size = 1;
  std::int64_t a_stride = 0;
  std::int64_t b_stride = 0;
};

/// y[image, outer…, m, n] = epilogue(sum over k of a[…, m, k] * b[…, k, n]). Operand::kInput is a,
/// kInput2 is b.
struct MatmulProblem {
  std::int64_t m = 1, n = 1, k = 1;
  DType a_dtype = DType::kFloat32;  ///< float32, FP16, or INT8 (then b is int8)
  DType b_dtype = DType::kFloat32;
  std::int64_t a_row_stride = 1, a_column_stride = 1;  ///< of m and k
  std::int64_t b_row_stride = 1, b_column_stride = 1;  ///< of k and n
  std::int64_t a_image_stride = 0, b_image_stride = 0;
  std::vector<MatmulAxis> outer;  ///< outermost first
  std::int64_t y_pitch = 1;       ///< elements between two rows of y, all of them stored
  Epilogue epilogue;              ///< pointers as in ConvProblem; tables of matmul_table_length
};

Result<KernelSpec> matmul_kernel(const MatmulProblem& problem);

/// Entries that multiplier and bias need: n and zeros behind it.
std::int64_t matmul_table_length(std::int64_t n);

}  // namespace xinfer::kernels::cuda
