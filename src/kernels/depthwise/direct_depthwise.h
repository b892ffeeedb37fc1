// float32 depthwise of input lines that are read where they lie, for one output channel a group.
//
// A line of a ring (depthwise_lines.h) is worth its copy where bytes are unpacked; floats are
// multiplied as they are. The taps of eight output pixels share a load of their weights, and
// results that only have a bias and a clamp are stored from registers.
#pragma once

#include <cstdint>
#include <memory>

#include "core/cpu_isa.h"
#include "kernels/conv/conv.h"

namespace xinfer::kernels {

/// One output line. Strides are elements.
struct DirectLineCall {
  const float* x = nullptr;        ///< pixel 0 of the input line under the first kernel line
  std::int64_t x_line = 0;         ///< to the input line under the next kernel line
  std::int64_t kernel_lines = 0;   ///< that lie inside the image
  const float* weights = nullptr;  ///< [kernel_lines][kernel_w][period]
  std::int64_t period = 0;         ///< channels rounded up
  std::int64_t kernel_w = 1, stride_w = 1, dilation_w = 1, pad_left = 0;
  std::int64_t in_w = 0, out_w = 0, channels = 0;
  std::int64_t x_pixel = 0, y_pixel = 0;
  float* y = nullptr;
  const float* bias = nullptr;  ///< null: y is the sums alone, not clamped
  float low = 0.0f, high = 0.0f;
};

using DirectLineKernel = void (*)(const DirectLineCall& call);
void direct_line_avx2(const DirectLineCall& call);
void direct_line_avx512(const DirectLineCall& call);

/// Whether there are direct kernels for the layer on this instruction set.
bool has_direct_depthwise(const ConvShape& shape, ConvType type, CpuIsa isa);

/// As make_depthwise.
Result<std::unique_ptr<Convolution>> make_direct_depthwise(const ConvShape& shape,
                                                           const ConvArguments& arguments,
                                                           CpuIsa isa, int threads);

}  // namespace xinfer::kernels
