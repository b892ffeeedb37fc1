// CUDA kernels that take elements by an index: Gather, and paddings that repeat elements.
#pragma once

#include <cstdint>
#include <vector>

#include "core/status.h"
#include "kernels/cuda/kernel_spec.h"
#include "xinfer/core/dtype.h"

namespace xinfer::kernels::cuda {

/// One axis of an image of y. Strides in elements; 0 where an operand does not go along it.
struct GatherAxis {
  std::int64_t size = 1;
  std::int64_t x_stride = 0, index_stride = 0, y_stride = 0;
};

/// y[p] = x[p's x offset + index[p's index offset] * axis_stride]: x is Operand::kInput, the
/// indices kInput2. An index counts from the end where it is negative, and ends at the axis' ends.
struct GatherProblem {
  std::vector<GatherAxis> axes;  ///< the last one fastest
  std::int64_t x_image_stride = 0, index_image_stride = 0, y_image_stride = 0;
  std::int64_t axis_size = 1, axis_stride = 1;  ///< of x, along which the indices go
  std::int64_t padding = 0;           ///< zeros that y has behind each row of the last axis
  DType index_dtype = DType::kInt64;  ///< or kInt32
  int element_bytes = 4;              ///< 1, 2, 4 or 8
};

Result<KernelSpec> gather_kernel(const GatherProblem& problem);

}  // namespace xinfer::kernels::cuda
