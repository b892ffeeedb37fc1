// Seeded random convolution layers with their data, for checking CUDA kernels against the
// reference.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/cuda/conv_problem.h"
#include "random.h"

namespace xinfer::gpu {

/// A layer, its tensors in host memory laid out as the device holds them, and the batch to run.
struct RandomConv {
  kernels::cuda::ConvProblem problem;
  std::int64_t batch = 1;
  std::vector<std::uint8_t> x;
  std::vector<std::uint8_t> weights;  ///< [out_channels, kernel_h, kernel_w, in_channels / groups]
  std::vector<float> multiplier, bias;
  std::vector<std::vector<std::uint8_t>> step_data;  ///< residual or table of each step, or empty
  std::size_t y_bytes = 0;                           ///< of the whole output tensor
  std::size_t y_offset = 0;  ///< where the layer's channels begin, when it writes a slice
  std::string description;
};

/// kHalo: stride 1 and few channels. kHaloChunks: stride 1, few outputs. kVector: one pixel an
/// image, and more of both.
enum class ConvFlavour { kAnyGroups, kDense, kDepthwise, kHalo, kHaloChunks, kVector };

/// INT8 layer number `seed`.
RandomConv make_random_conv(std::uint64_t seed, ConvFlavour flavour);

/// Lets the epilogue continue with a function of one element: a clip, a leaky ReLU or, if it may be
/// one, a table over INT8.
void add_function(Random& random, bool may_be_table, RandomConv& conv);

/// The output tensor as the reference computes it: `fill` where nothing may be written, zeros in
/// padding channels that the layer owns.
std::vector<std::uint8_t> reference_output(const RandomConv& conv, std::uint8_t fill);

}  // namespace xinfer::gpu
