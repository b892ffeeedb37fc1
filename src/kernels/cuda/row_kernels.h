// CUDA kernels that work on whole rows of the last axis: softmax and layer normalisation.
#pragma once

#include <cstdint>
#include <vector>

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

/// How rows are spread.
struct RowTactic {
  int rows_of_block = 8;      ///< a warp each
  bool tables_early = false;  ///< scale and bias are loaded before the preceding kernel ends
};

Result<KernelSpec> softmax_kernel(const RowProblem& problem, bool log);

/// What is added to a row normalised to mean 0 and variance 1.
struct LayerNormProblem {
  RowProblem rows;
  float epsilon = 1e-5f;
  bool has_scale = true, has_bias = true;
  bool constant_tables = true;  ///< no kernel writes scale and bias
};

/// Operand::kMultiplier and kBias are scale and bias, float32 [length]; absent ones are null.
/// Fails with unsupported if the tactic cannot compute the problem.
Result<KernelSpec> layer_norm_kernel(const LayerNormProblem& problem, const RowTactic& tactic);

/// The kernels worth timing for this batch, the one expected to be fastest first.
Result<std::vector<KernelSpec>> layer_norm_candidates(const LayerNormProblem& problem,
                                                      std::int64_t batch, int multiprocessors);

}  // namespace xinfer::kernels::cuda
