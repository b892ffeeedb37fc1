// The CUDA kernel of two pointwise INT8 convolutions, the second of which reads the first.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/cuda/conv_problem.h"

namespace xinfer::kernels::cuda {

/// Operands are the second layer's, with the first one's output as kInput, which is written; of the
/// first layer: kInput2, kWeights2, kMultiplier2, kBias2, and the epilogue's kStep0 to kStep3.
struct ChainProblem {
  /// Its epilogue may begin with a residual of INT8; its output is INT8.
  ConvProblem first;
  /// Its epilogue has steps without operands; its output is INT8.
  ConvProblem next;
};

/// How a block works: `consumers` warpgroups with a tile of 64 pixels each pass over the first
/// layer's channels in boxes.
struct ChainTactic {
  int consumers = 2;   ///< 1 … 4
  int box_cols = 128;  ///< 64 or 128
  int box_stages = 0;  ///< of each consumer, at least 2; 0: what the shared memory allows
  int input_stages = 2;
};

/// Fails with unsupported if the kernel or the tactic does not fit the problem.
Result<KernelSpec> chain_kernel(const ChainProblem& problem, const ChainTactic& tactic);

/// The tactics worth timing, the one expected to be fastest first, at most `count`; none where two
/// launches are expected to be faster.
std::vector<KernelSpec> chain_candidates(const ChainProblem& problem, const ConvTarget& target,
                                         std::int64_t batch, int count);

}  // namespace xinfer::kernels::cuda
