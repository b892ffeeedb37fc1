#include "quant/quantization_error.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "quant/quantize.h"

namespace xinfer::quant {
namespace {

/// Sum of square(i) for i in [0, size), as eight sums side by side: a single one would wait for
/// every addition.
template <typename Square>
double sum_in_lanes(std::size_t size, const Square& square) {
  std::array<double, 8> lanes = {};
  std::size_t i = 0;
  for (; i + lanes.size() <= size; i += lanes.size()) {
    for (std::size_t lane = 0; lane < lanes.size(); ++lane) lanes[lane] += square(i + lane);
  }
  for (std::size_t lane = 0; i < size; ++i, ++lane) lanes[lane] += square(i);
  double sum = 0;
  for (const double lane : lanes) sum += lane;
  return sum;
}

}  // namespace

void round_to_grid(std::span<const float> x, float scale, DType dtype, std::span<float> y) {
  const GridLimits limits = limits_of(dtype);
  const float low = static_cast<float>(limits.min), high = static_cast<float>(limits.max);
  // Adding 1.5 * 2^23 leaves no bits for fractions: the sum is rounded half even. Unlike a call of
  // nearbyint, it runs in vectors on every processor.
  constexpr float kNoFractions = 12582912.0f;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const float clamped = std::min(std::max(x[i] / scale, low), high);
    y[i] = ((clamped + kNoFractions) - kNoFractions) * scale;
  }
}

double squared_difference(std::span<const float> a, std::span<const float> b) {
  return sum_in_lanes(a.size(), [&](std::size_t i) {
    const double difference = static_cast<double>(a[i]) - b[i];
    return difference * difference;
  });
}

double squared_sum(std::span<const float> x) {
  return sum_in_lanes(x.size(), [&](std::size_t i) { return static_cast<double>(x[i]) * x[i]; });
}

}  // namespace xinfer::quant
