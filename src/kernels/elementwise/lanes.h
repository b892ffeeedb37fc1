// Sums and maxima of a row in a fixed order: element i goes to lane i % 32, then the lanes are
// added pairwise (0 + 16, …, then 0 + 8, …). Vector units of any width follow it, so all
// instruction sets give equal floats, and 32 chains hide the latency of an addition.
#pragma once

#include <cstdint>

#include "kernels/elementwise/float_math.h"

namespace xinfer::kernels::XINFER_ISA_NAMESPACE {

inline constexpr int kLanes = 32;

/// The sum of term(i) for i in [0, n).
template <typename Term>
inline float lane_sum(std::int64_t n, const Term& term) {
  float lanes[kLanes];
  for (int l = 0; l < kLanes; ++l) lanes[l] = 0.0f;
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int l = 0; l < kLanes; ++l) lanes[l] += term(i + l);
  }
  for (int l = 0; i + l < n; ++l) lanes[l] += term(i + l);
  for (int width = kLanes / 2; width > 0; width /= 2) {
    for (int l = 0; l < width; ++l) lanes[l] += lanes[l + width];
  }
  return lanes[0];
}

/// The maximum of x[0, n), n >= 1; NaN anywhere gives NaN or another element.
inline float lane_max(std::int64_t n, const float* x) {
  float lanes[kLanes];
  for (int l = 0; l < kLanes; ++l) lanes[l] = x[0];
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int l = 0; l < kLanes; ++l) lanes[l] = lanes[l] > x[i + l] ? lanes[l] : x[i + l];
  }
  float best = lanes[0];
  for (int l = 1; l < kLanes; ++l) best = best > lanes[l] ? best : lanes[l];
  for (; i < n; ++i) best = best > x[i] ? best : x[i];
  return best;
}

/// Stores y as it is (float32), or y / scale, clamped and rounded half to even.
template <typename Y>
inline Y store_scaled(float y, float scale) {
  if constexpr (sizeof(Y) == 4) {
    return y;
  } else {
    constexpr bool kSigned = Y(-1) < Y(0);
    return static_cast<Y>(
        round_to_int(clamp(y / scale, kSigned ? -128.0f : 0.0f, kSigned ? 127.0f : 255.0f)));
  }
}

}  // namespace xinfer::kernels::XINFER_ISA_NAMESPACE
