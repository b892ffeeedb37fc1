#include "kernels/cuda/exact_quotient.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>

namespace xinfer::kernels::cuda {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

float quantised(float quotient, DType type) {
  const bool is_signed = type == DType::kInt8;
  return std::nearbyint(
      std::clamp(quotient, is_signed ? -128.0f : 0.0f, is_signed ? 127.0f : 255.0f));
}

float by_parts(const ExactQuotient& q, float x) {
  return q.rest == 0.0f ? x * q.reciprocal : std::fma(x, q.reciprocal, x * q.rest);
}

TEST(ExactQuotient, QuantisesAsTheDivisionDoes) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> exponent(-30.0f, 30.0f), value(-300.0f, 300.0f);
  int found = 0;
  constexpr int kDivisors = 400;
  for (int i = 0; i < kDivisors; ++i) {
    const float divisor = std::exp2(exponent(random));
    const DType type = i % 2 == 0 ? DType::kInt8 : DType::kUInt8;
    const auto q = exact_quotient(divisor, type);
    if (!q) continue;
    ++found;
    EXPECT_GE(q->rest, 0.0f);
    for (int j = 0; j < 2000; ++j) {
      // Multiples of a half, where halves are rounded, and their neighbours; then anything.
      float x = static_cast<float>(std::nearbyint(2 * value(random)) / 2) * divisor;
      if (j % 3 == 1) x = std::nextafter(x, j % 2 == 0 ? kInfinity : -kInfinity);
      if (j % 3 == 2) {
        const std::uint32_t bits = random();
        std::memcpy(&x, &bits, sizeof x);
        if (std::isnan(x)) continue;
      }
      ASSERT_EQ(quantised(by_parts(*q, x), type), quantised(x / divisor, type))
          << x << " / " << divisor;
    }
    ASSERT_EQ(by_parts(*q, kInfinity), kInfinity);
    ASSERT_EQ(by_parts(*q, -kInfinity), -kInfinity);
  }
  EXPECT_GT(found, kDivisors * 9 / 10);
}

TEST(ExactQuotient, RefusesDivisorsWithoutAReciprocal) {
  for (const float divisor :
       {0.0f, -1.0f, 0x1p-126f, 0x1p126f, kInfinity, std::numeric_limits<float>::quiet_NaN()}) {
    EXPECT_FALSE(exact_quotient(divisor, DType::kInt8)) << divisor;
  }
}

TEST(ExactQuotient, MultipliesByTheReciprocalOfAPowerOfTwo) {
  const auto q = exact_quotient(0.125f, DType::kUInt8);
  ASSERT_TRUE(q);
  EXPECT_EQ(q->reciprocal, 8.0f);
  EXPECT_EQ(q->rest, 0.0f);
}

}  // namespace
}  // namespace xinfer::kernels::cuda
