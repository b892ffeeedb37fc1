// Softmax against double precision, and equality of all builds.
#include "kernels/softmax/softmax.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

namespace xinfer::kernels {
namespace {

TEST(Softmax, MatchesDoubleAndIsEqualOnEveryInstructionSet) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, 5);
  const std::int64_t sizes[][3] = {{3, 1, 1},  {5, 7, 1},    {2, 197, 1}, {40, 1000, 1},
                                   {2, 10, 3}, {1, 21, 130}, {0, 4, 4}};
  for (const auto& size : sizes) {
    const SoftmaxShape s = dense_softmax_shape(size[0], size[1], size[2]);
    const auto count = static_cast<std::size_t>(size[0] * size[1] * size[2]);
    std::vector<float> x(count);
    for (float& value : x) value = normal(random);
    for (bool log : {false, true}) {
      std::vector<double> expected(count);
      softmax_reference(s, log, x.data(), expected.data());
      std::vector<float> first;
      std::vector<std::uint8_t> first_u8;
      for (CpuIsa isa : supported_isas()) {
        for (int threads : {1, 2}) {
          ThreadPool pool(threads);
          std::vector<float> y(count);
          ASSERT_TRUE(softmax(s, {.log = log}, x.data(), y.data(), isa, pool).ok());
          for (std::size_t i = 0; i < count; ++i) {
            // exp: x - m loses half an ulp of |x - m| < 64, which is 2^-19 relative; the sum of n
            // terms in chains of n / 32 + 5 or n adds half an ulp each.
            const double n = static_cast<double>(size[1]);
            const double chain = size[2] == 1 ? n / 32 + 5 : n;
            const double relative = std::ldexp(1.0, -19) + (chain + 8) * std::ldexp(1.0, -24);
            const double tolerance =
                relative * (log ? std::max(1.0, std::fabs(expected[i])) : expected[i]) + 1e-37;
            ASSERT_NEAR(y[i], expected[i], tolerance);
          }
          if (count == 0) continue;
          if (first.empty()) first = y;
          ASSERT_EQ(0, std::memcmp(first.data(), y.data(), 4 * count)) << to_string(isa);
          std::vector<std::uint8_t> q(count);
          const SoftmaxParameters p{.log = log, .y_dtype = DType::kUInt8, .y_scale = 1.0f / 255};
          ASSERT_TRUE(softmax(s, p, x.data(), q.data(), isa, pool).ok());
          for (std::size_t i = 0; i < count; ++i) {
            const float steps = std::fmin(std::fmax(y[i] / p.y_scale, 0.0f), 255.0f);
            ASSERT_EQ(q[i], static_cast<int>(std::nearbyint(steps)));
          }
          y = x;
          ASSERT_TRUE(softmax(s, {.log = log}, y.data(), y.data(), isa, pool).ok());
          ASSERT_EQ(0, std::memcmp(first.data(), y.data(), 4 * count)) << "in place";
        }
      }
    }
  }
}

// Exponentials from one down to denormals and zero, and rows whose tails end in every lane.
TEST(Softmax, IsEqualOnEveryInstructionSetDownToZero) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> spread(-120, 0);
  ThreadPool pool(1);
  for (std::int64_t n = 1; n < 140; ++n) {
    std::vector<float> x(static_cast<std::size_t>(8 * n));
    for (float& value : x) value = random() % 32 == 0 ? -INFINITY : spread(random);
    for (std::int64_t row = 0; row < 8; ++row)
      x[static_cast<std::size_t>(row * n)] = -100 * row / 8;
    std::vector<float> first;
    for (CpuIsa isa : supported_isas()) {
      std::vector<float> y(x.size());
      ASSERT_TRUE(softmax(dense_softmax_shape(8, n, 1), {}, x.data(), y.data(), isa, pool).ok());
      if (first.empty()) first = y;
      ASSERT_EQ(0, std::memcmp(first.data(), y.data(), 4 * y.size()))
          << to_string(isa) << ", rows of " << n;
    }
  }
}

TEST(Softmax, SurvivesLargeAndInfiniteLogits) {
  ThreadPool pool(1);
  const float x[] = {1e30f, 1e30f, -INFINITY, 0};
  for (CpuIsa isa : supported_isas()) {
    float y[4];
    ASSERT_TRUE(softmax(dense_softmax_shape(1, 4, 1), {}, x, y, isa, pool).ok());
    EXPECT_EQ(y[0], 0.5f);
    EXPECT_EQ(y[1], 0.5f);
    EXPECT_EQ(y[2], 0.0f);
    EXPECT_EQ(y[3], 0.0f);
  }
}

}  // namespace
}  // namespace xinfer::kernels
