// CUDA kernels that reduce any axes of a tensor to one element each, and that find extremes along
// them.
#pragma once

#include <cstdint>
#include <vector>

#include "core/status.h"
#include "kernels/cuda/kernel_spec.h"
#include "kernels/reduce/kinds.h"
#include "xinfer/core/dtype.h"

namespace xinfer::kernels::cuda {

/// One axis of an image. Strides in elements.
struct ReduceAxis {
  std::int64_t size = 1;
  std::int64_t x_stride = 0, y_stride = 0;  ///< a reduced axis has no y_stride
};

/// Which elements of x (Operand::kInput) become which of y, the last axis of each list fastest.
struct ReduceProblem {
  std::vector<ReduceAxis> kept, reduced;
  std::int64_t x_image_stride = 0, y_image_stride = 0;
  DType dtype = DType::kFloat32;    ///< of x, and of a reduction's y, but that
  DType y_dtype = DType::kFloat32;  ///< floats may differ
};

/// kernels/reduce/reduce.h. Fails with `unsupported` for types without a CUDA form, and for bool
/// but of kMax and kMin.
Result<KernelSpec> reduce_kernel(const ReduceProblem& problem, ReduceKind kind);

/// y is int64: the index among the reduced elements.
Result<KernelSpec> arg_extreme_kernel(const ReduceProblem& problem, bool largest, bool select_last);

}  // namespace xinfer::kernels::cuda
