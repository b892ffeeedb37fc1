// The CUDA kernel of a network's first layers: conversion of the image, convolution, max pooling.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "kernels/cuda/conv_problem.h"
#include "kernels/pool/pool.h"

namespace xinfer::kernels::cuda {

/// Operand::kInput is the image, float32 [channels, image_h, image_w] or u8 [image_h, image_w,
/// channels]; kOutput the convolution's output or, with pooling, that.
struct StemProblem {
  /// The convolution after space_to_depth_shape, of stride 1. shape.y_pixel_stride,
  /// stored_channels and output_align are the launch's output's; x_pixel_stride is not read. Its
  /// output is INT8 or FP16, its epilogue has no residual.
  ConvProblem conv;
  std::int64_t image_h = 1, image_w = 1, channels = 3;
  std::int64_t block = 2;  ///< of the space to depth
  float factor = 1.0f;     ///< INT8: the scale of the convolution's input; not for u8 images
  /// The image is u8, and kInput2 holds tables that make it the convolution's input, as
  /// image_kernel's do (kernels/cuda/image_kernels.h).
  bool byte_image = false;
  /// Max pooling of the convolution's outputs, its depth trivial and without dilation; windows that
  /// overlap or touch.
  std::optional<PoolShape> pool;
};

/// What a block makes: output rows, how many at a time, and how many threads it has. It is as wide
/// as 64 columns of the convolution allow.
struct StemTactic {
  int strip_rows = 8;
  int step_rows = 2;
  int warpgroups = 1;  ///< of 128 threads
};

/// Fails with unsupported if the kernel or the tactic does not fit the problem.
Result<KernelSpec> stem_kernel(const StemProblem& problem, const StemTactic& tactic);

/// The tactics worth timing, the one expected to be fastest first; at most `count`. Fails with
/// unsupported if there is none.
Result<std::vector<KernelSpec>> stem_candidates(const StemProblem& problem,
                                                const ConvTarget& target, std::int64_t batch,
                                                int count);

}  // namespace xinfer::kernels::cuda
