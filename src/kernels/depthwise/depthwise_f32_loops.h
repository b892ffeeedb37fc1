// float32 depthwise over a vector type: one FMA chain over the taps in (ky, kx) order for every
// position. Internal linkage: built per instruction set.
#pragma once

#include "kernels/depthwise/depthwise_kernel.h"

namespace xinfer::kernels {
namespace {

/// One vector of channels from channel `c` on, for kPixels neighbouring output pixels from position
/// `at` on: independent chains hide the FMA's latency and share the weights.
template <typename Vector, int kPixels>
inline void compute_pixels(const DepthwiseCall& call, int row, std::int64_t at, std::int64_t c,
                           float* out) {
  const std::int64_t period = call.period_chunks * 16;
  const auto* w = reinterpret_cast<const float*>(call.weights) + c;
  typename Vector::Type acc[kPixels];
#pragma GCC unroll 8
  for (int i = 0; i < kPixels; ++i) acc[i] = Vector::zero();
  for (int ky = 0; ky < call.kernel_h; ++ky) {
    const std::byte* const* taps =
        call.taps + (row * call.stride_h + ky * call.dilation_h) * call.line_taps;
    for (int kx = 0; kx < call.kernel_w; ++kx, w += period) {
      const auto* x = reinterpret_cast<const float*>(taps[kx]) + at + c;
      const typename Vector::Type weights = Vector::load(w);
#pragma GCC unroll 8
      for (int i = 0; i < kPixels; ++i) {
        acc[i] = Vector::fma(Vector::load(x + i * period), weights, acc[i]);
      }
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < kPixels; ++i) Vector::store(out + at + i * period + c, acc[i]);
}

/// The period is one pixel.
template <typename Vector>
inline void depthwise_f32(const DepthwiseCall& call) {
  constexpr int kTogether = 8;
  const std::int64_t period = call.period_chunks * 16;
  const std::int64_t positions = call.chunks * 16;
  for (int row = 0; row < call.rows; ++row) {
    float* out = static_cast<float*>(call.acc) + row * call.acc_row;
    std::int64_t at = 0;
    for (; at + kTogether * period <= positions; at += kTogether * period) {
      for (std::int64_t c = 0; c < period; c += Vector::kLanes) {
        compute_pixels<Vector, kTogether>(call, row, at, c, out);
      }
    }
    for (; at < positions; at += period) {
      for (std::int64_t c = 0; c < period; c += Vector::kLanes) {
        compute_pixels<Vector, 1>(call, row, at, c, out);
      }
    }
  }
}

}  // namespace
}  // namespace xinfer::kernels
