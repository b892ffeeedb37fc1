// CUDA kernels that work on whole rows of the last axis: softmax and layer normalisation.
#pragma once

#include <cstdint>

#include "core/status.h"
#include "kernels/cuda/kernel_spec.h"
#include "xinfer/core/dtype.h"

namespace xinfer::kernels::cuda {

/// Float rows in (float32 or FP16), float or INT8 rows out; computed in float32
/// (kernels/normalize/normalize.h, softmax/softmax.h).
struct RowProblem {
  std::int64_t rows = 1;  ///< of an image
  std::int64_t length = 1;
  std::int64_t x_pitch = 1, y_pitch = 1;  ///< elements; rows of y end with zeros
  DType input = DType::kFloat32;
  DType output = DType::kFloat32;
  float y_scale = 1.0f;  ///< INT8 outputs
};

Result<KernelSpec> softmax_kernel(const RowProblem& problem, bool log);

/// Operand::kMultiplier and kBias are scale and bias, float32 [length]; absent ones are null.
Result<KernelSpec> layer_norm_kernel(const RowProblem& problem, float epsilon, bool has_scale,
                                     bool has_bias);

}  // namespace xinfer::kernels::cuda
