// The CUDA kernel of an inverted residual block: expansion, depthwise convolution and projection in
// one launch (conv/cuda_inverted_residual.cuh).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "kernels/cuda/conv_problem.h"

namespace xinfer::kernels::cuda {

/// The layers as launches of their own would compute them, each reading what the one before stores.
/// All are INT8; the inner ones' epilogues have at most one step, a clip.
struct InvertedResidualProblem {
  std::optional<ConvProblem> expand;  ///< 1x1; none: the depthwise layer reads the block's input
  ConvProblem filter;                 ///< depthwise 3x3, stride 1 or 2 both ways
  ConvProblem project;                ///< 1x1

  const ConvProblem& first() const { return expand ? *expand : filter; }
};

/// What a block of threads makes, and its warps: 16 expanded channels a warp at a time.
struct InvertedResidualTactic {
  int tile_rows = 14;
  int tile_cols = 14;
  int warps = 8;
};

/// A layer's constants: weights [out_channels, kernel_h, kernel_w, in_channels / groups], one
/// multiplier and one bias an output channel.
struct LayerConstants {
  std::span<const std::byte> weights;
  std::span<const float> multiplier, bias;
};

/// What the kernel reads as Operand::kWeights2: all weights, and the inner layers' tables. Those
/// of the projection are the operands kMultiplier and kBias, as conv_layout.h has them. `expand` is
/// not read where there is none.
std::vector<std::byte> pack_inverted_residual(const InvertedResidualProblem& problem,
                                              const LayerConstants& expand,
                                              const LayerConstants& filter,
                                              std::span<const std::byte> project_weights);

/// Operand::kInput2 is the block's input; kInput and kWeights are not read. Fails with unsupported
/// if the kernel or the tactic does not fit the problem.
Result<KernelSpec> inverted_residual_kernel(const InvertedResidualProblem& problem,
                                            const InvertedResidualTactic& tactic);

struct InvertedResidualCandidates {
  std::vector<KernelSpec> specs;  ///< the one expected to be fastest first
  bool expected_faster = false;   ///< than the layers' own launches
};

/// The kernels worth timing against the separate launches, at most `count`.
InvertedResidualCandidates inverted_residual_candidates(const InvertedResidualProblem& problem,
                                                        const ConvTarget& target,
                                                        std::int64_t batch, int count);

}  // namespace xinfer::kernels::cuda
