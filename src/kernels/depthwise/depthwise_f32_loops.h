// float32 depthwise over a vector type: one FMA chain over the taps in (ky, kx) order for every
// position. Internal linkage: built per instruction set.
#pragma once

#include "kernels/depthwise/depthwise_kernel.h"

namespace xinfer::kernels {
namespace {

/// kVectors neighbouring vectors of one output line: independent chains hide the FMA's latency.
template <typename Vector, int kVectors>
inline void compute_positions(const DepthwiseCall& call, int row, std::int64_t at,
                              std::int64_t weight_at, float* out) {
  const std::int64_t period = call.period_chunks * 16;
  const auto* w = reinterpret_cast<const float*>(call.weights) + weight_at;
  typename Vector::Type acc[kVectors];
#pragma GCC unroll 4
  for (int i = 0; i < kVectors; ++i) acc[i] = Vector::zero();
  for (int ky = 0; ky < call.kernel_h; ++ky) {
    const std::byte* const* taps =
        call.taps + (row * call.stride_h + ky * call.dilation_h) * call.line_taps;
    for (int kx = 0; kx < call.kernel_w; ++kx, w += period) {
      const auto* x = reinterpret_cast<const float*>(taps[kx]) + at;
#pragma GCC unroll 4
      for (int i = 0; i < kVectors; ++i) {
        acc[i] = Vector::fma(Vector::load(x + i * Vector::kLanes),
                             Vector::load(w + i * Vector::kLanes), acc[i]);
      }
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < kVectors; ++i) Vector::store(out + at + i * Vector::kLanes, acc[i]);
}

/// The period is one pixel: its channels are walked pixel by pixel.
template <typename Vector>
inline void depthwise_f32(const DepthwiseCall& call) {
  constexpr int kBlock = 4 * Vector::kLanes;
  const std::int64_t period = call.period_chunks * 16;
  const std::int64_t positions = call.chunks * 16;
  for (int row = 0; row < call.rows; ++row) {
    float* out = static_cast<float*>(call.acc) + row * call.acc_row;
    for (std::int64_t pixel = 0; pixel < positions; pixel += period) {
      std::int64_t c = 0;
      for (; c + kBlock <= period; c += kBlock) {
        compute_positions<Vector, 4>(call, row, pixel + c, c, out);
      }
      for (; c < period; c += Vector::kLanes) {
        compute_positions<Vector, 1>(call, row, pixel + c, c, out);
      }
    }
  }
}

}  // namespace
}  // namespace xinfer::kernels
