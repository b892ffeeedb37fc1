// CUDA kernels for max and average pooling over two spatial dimensions.
#pragma once

#include <cstdint>
#include <vector>

#include "core/status.h"
#include "kernels/cuda/kernel_spec.h"
#include "kernels/pool/kinds.h"
#include "kernels/pool/pool.h"

namespace xinfer::kernels::cuda {

/// `shape.batch` is not read; `shape.depth` must be trivial.
struct PoolProblem {
  PoolKind kind = PoolKind::kMax;
  PoolShape shape;
  AveragePoolParameters types;  ///< kMax on INT8: y has x's type and scale
  std::int64_t stored_channels = 0;
  int input_align = 16;
  int output_align = 16;
};

/// The kernel. Operand::kMultiplier is the table of pool_factors for INT8 averages.
Result<KernelSpec> pool_kernel(const PoolProblem& problem);

/// INT8 averages: fl32(s_x / (s_y * count)) for every count from 0 to that of a whole window.
std::vector<float> pool_factors(const PoolProblem& problem);

}  // namespace xinfer::kernels::cuda
