#include "kernels/cuda/exact_quotient.h"

#include <cmath>
#include <limits>

namespace xinfer::kernels::cuda {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

float by_parts(const ExactQuotient& q, float x) {
  return q.rest == 0.0f ? x * q.reciprocal : std::fma(x, q.reciprocal, x * q.rest);
}

/// The least float whose quotient rounds to `step` or more.
float threshold(float divisor, int step) {
  const auto reaches = [&](float x) {
    return std::nearbyint(x / divisor) >= static_cast<float>(step);
  };
  auto x = static_cast<float>((static_cast<double>(step) - 0.5) * static_cast<double>(divisor));
  while (reaches(x)) x = std::nextafter(x, -kInfinity);
  while (!reaches(x)) x = std::nextafter(x, kInfinity);
  return x;
}

}  // namespace

std::optional<ExactQuotient> exact_quotient(float divisor, DType type) {
  // A step's thresholds are then normal floats, and no quotient of interest overflows.
  if (!(divisor > 0x1p-100f && divisor < 0x1p100f)) return std::nullopt;
  const double exact = 1.0 / static_cast<double>(divisor);
  ExactQuotient q;
  q.reciprocal = static_cast<float>(exact);
  if (static_cast<double>(q.reciprocal) > exact) q.reciprocal = std::nextafter(q.reciprocal, 0.0f);
  q.rest = static_cast<float>(exact - static_cast<double>(q.reciprocal));
  const int least = type == DType::kUInt8 ? 0 : -128, most = type == DType::kUInt8 ? 255 : 127;
  for (int step = least + 1; step <= most; ++step) {
    const float x = threshold(divisor, step);
    const auto value = static_cast<float>(step);
    if (std::nearbyint(by_parts(q, x)) < value ||
        std::nearbyint(by_parts(q, std::nextafter(x, -kInfinity))) >= value) {
      return std::nullopt;
    }
  }
  return q;
}

}  // namespace xinfer::kernels::cuda
