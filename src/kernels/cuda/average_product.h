// The kernel that averages all pixels and multiplies the average with constant weights: the head of
// a classifier in one launch (pool/cuda_average_product.cuh).
#pragma once

#include <cstdint>
#include <vector>

#include "core/status.h"
#include "kernels/cuda/conv_problem.h"

namespace xinfer::kernels::cuda {

/// Average and product as two launches would compute them.
struct AverageProductProblem {
  ConvProblem product;           ///< of one pixel an image, whose input is the average
  DType source = DType::kUInt8;  ///< INT8 of either sign for an INT8 average, FP16 for an FP16 one
  std::int64_t pixels = 1;       ///< that are averaged
  std::int64_t source_pixel_stride = 0;  ///< elements; whole granules of 16 bytes
  /// INT8: fl32(s_x / (s_y * pixels)), as pool_factors has it.
  float factor = 1;
};

/// `tile_n` outputs of eight images a cluster of `split` blocks.
struct AverageProductTactic {
  int tile_n = 64;  ///< 16, 32, 64 or 128
  int split = 8;    ///< 1, 2, 4 or 8
  int loads = 4;    ///< of 16 bytes, that a thread has in flight: 1 … 8
};

/// The kernel, for every batch. Operand::kInput2 is what is averaged; kInput is not read. Fails
/// with unsupported if problem or tactic do not fit.
Result<KernelSpec> average_product_kernel(const AverageProductProblem& problem,
                                          const AverageProductTactic& tactic);

/// The kernels worth timing against the two launches at this batch, the one expected to be fastest
/// first; at most `count`, none where two launches are expected to win.
std::vector<KernelSpec> average_product_candidates(const AverageProductProblem& problem,
                                                   std::int64_t batch, int count);

}  // namespace xinfer::kernels::cuda
