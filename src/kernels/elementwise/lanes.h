// Sums and maxima of a row in a fixed order: element i goes to lane i % 32, then the lanes are
// added pairwise (0 + 16, …, then 0 + 8, …). Vector units of any width follow it, so all
// instruction sets give equal floats, and 32 chains hide the latency of an addition.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "kernels/elementwise/float_math.h"
#include "kernels/elementwise/vectors.h"

namespace xinfer::kernels::XINFER_ISA_NAMESPACE {

inline constexpr int kLanes = 32;
using LaneIndices = std::make_index_sequence<kLanes / kWidth>;

/// Joins the lanes of v pairwise: l with l + half, then the halves' halves.
template <typename Join>
inline float join_lanes(Vector<float, kWidth> v, const Join& join) {
  float lanes[kWidth];
  store_vector<kWidth>(lanes, v);
  if constexpr (kWidth == 16) {
    store_vector<8>(lanes, join(load_vector<8>(lanes), load_vector<8>(lanes + 8)));
  }
  if constexpr (kWidth >= 8) {
    store_vector<4>(lanes, join(load_vector<4>(lanes), load_vector<4>(lanes + 4)));
  }
  return join(join(lanes[0], lanes[2]), join(lanes[1], lanes[3]));
}

/// The chains of a row in registers: vector k holds the lanes k * kWidth and up.
template <std::size_t... k, typename Term>
inline float lane_sum(std::int64_t n, const float* x, const Term& term, std::index_sequence<k...>) {
  constexpr std::size_t kVectors = sizeof...(k);
  Vector<float, kWidth> sums[kVectors] = {};
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    ((sums[k] += term(load_vector<kWidth>(x + i + k * kWidth))), ...);
  }
  if (i < n) {
    // The tail in a buffer; lanes without an element add zero.
    float tail[kLanes] = {};
    const int rest = static_cast<int>(n - i);
    for (int l = 0; l < rest; ++l) tail[l] = x[i + l];
    (store_vector<kWidth>(tail + k * kWidth, term(load_vector<kWidth>(tail + k * kWidth))), ...);
    for (int l = rest; l < kLanes; ++l) tail[l] = 0.0f;
    ((sums[k] += load_vector<kWidth>(tail + k * kWidth)), ...);
  }
  if constexpr (kVectors == 8) {
    sums[0] += sums[4];
    sums[1] += sums[5];
    sums[2] += sums[6];
    sums[3] += sums[7];
  }
  if constexpr (kVectors >= 4) {
    sums[0] += sums[2];
    sums[1] += sums[3];
  }
  return join_lanes(sums[0] + sums[1], [](auto a, auto b) { return a + b; });
}

/// The sum of term(x[i]) for i in [0, n); `term` takes a vector of elements.
template <typename Term>
inline float lane_sum(std::int64_t n, const float* x, const Term& term) {
  return lane_sum(n, x, term, LaneIndices{});
}

inline float lane_sum(std::int64_t n, const float* x) {
  return lane_sum(n, x, [](auto v) { return v; });
}

/// The maximum of x[0, n), n >= 1; NaN anywhere gives NaN or another element.
inline float lane_max(std::int64_t n, const float* x) {
  if (n < 2 * kWidth) {
    float best = x[0];
    for (std::int64_t i = 1; i < n; ++i) best = best > x[i] ? best : x[i];
    return best;
  }
  const auto larger = [](auto a, auto b) { return a > b ? a : b; };
  Vector<float, kWidth> low = load_vector<kWidth>(x), high = load_vector<kWidth>(x + kWidth);
  for (std::int64_t i = 2 * kWidth; i + 2 * kWidth <= n; i += 2 * kWidth) {
    low = larger(low, load_vector<kWidth>(x + i));
    high = larger(high, load_vector<kWidth>(x + i + kWidth));
  }
  // The last vectors again, overlapping: a maximum may count twice.
  low = larger(low, load_vector<kWidth>(x + n - kWidth));
  high = larger(high, load_vector<kWidth>(x + n - 2 * kWidth));
  return join_lanes(larger(low, high), larger);
}

/// y[i] = f(x[i]) with the tail in a buffer: a vector costs less than its scalars.
template <typename Function>
inline void map_row(std::int64_t n, const float* x, float* y, const Function& f) {
  const std::int64_t whole = n - n % kWidth;
  XINFER_IN_PLACE_LOOP
  for (std::int64_t i = 0; i < whole; ++i) y[i] = f(x[i]);
  if (whole == n) return;
  float tail[kWidth] = {};
  for (std::int64_t i = whole; i < n; ++i) tail[i - whole] = x[i];
  for (int l = 0; l < kWidth; ++l) tail[l] = f(tail[l]);
  for (std::int64_t i = whole; i < n; ++i) y[i] = tail[i - whole];
}

/// Stores y as it is (float32), or y / scale, clamped and rounded half to even.
template <typename Y>
inline Y store_scaled(float y, float scale) {
  if constexpr (sizeof(Y) == 4) {
    return y;
  } else {
    return quantised<Y>(y / scale);
  }
}

}  // namespace xinfer::kernels::XINFER_ISA_NAMESPACE
