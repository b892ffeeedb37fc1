// Normalisations against double precision, and equality of all builds.
#include "kernels/normalize/normalize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

namespace xinfer::kernels {
namespace {

std::vector<float> random_floats(std::int64_t n, std::mt19937& random, float mean = 0) {
  std::normal_distribution<float> normal(mean, 1);
  std::vector<float> values(static_cast<std::size_t>(n));
  for (float& value : values) value = normal(random);
  return values;
}

TEST(RowNorm, MatchesDoubleAndIsEqualOnEveryInstructionSet) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  ThreadPool pool(2);
  constexpr std::int64_t kRows = 90;  // 769 elements each: shared between threads
  for (std::int64_t n : {1, 7, 32, 192, 769}) {
    for (int mode = 0; mode < 6; ++mode) {
      const bool rms = mode >= 3;
      const std::vector<float> x = random_floats(kRows * (n + 2), random, 2.0f);
      const std::vector<float> scale = random_floats(n, random);
      const std::vector<float> bias = random_floats(n, random);
      RowNormParameters p{.rows = kRows, .n = n, .x_stride = n + 2, .y_stride = n};
      if (mode % 3 > 0) p.scale = scale.data();
      if (mode % 3 > 1) p.bias = bias.data();
      std::vector<double> expected(static_cast<std::size_t>(kRows * n));
      row_norm_reference(p, rms, x.data(), expected.data());
      std::vector<float> first;
      for (CpuIsa isa : supported_isas()) {
        std::vector<float> y(expected.size());
        const auto norm = rms ? rms_norm : layer_norm;
        ASSERT_TRUE(norm(p, x.data(), y.data(), isa, pool).ok());
        for (std::size_t i = 0; i < y.size(); ++i) {
          // |x| <= 8: the mean's error of (n / 32 + 6) half ulps of 4 is scaled by r <= 3e2 (n = 1:
          // r = 1 / sqrt(epsilon)) and by |scale| < 5.
          const double r = n == 1 ? 320.0 : 4.0;
          const double tolerance =
              (static_cast<double>(n) / 32 + 12) * std::ldexp(1.0, -22) * r * 5;
          ASSERT_NEAR(y[i], expected[i], tolerance) << "n = " << n << ", mode " << mode;
        }
        if (first.empty()) first = y;
        ASSERT_EQ(0, std::memcmp(first.data(), y.data(), 4 * y.size())) << to_string(isa);
        RowNormParameters int8 = p;
        int8.y_dtype = DType::kInt8;
        int8.y_scale = 0.03f;
        std::vector<std::int8_t> q(y.size());
        ASSERT_TRUE(norm(int8, x.data(), q.data(), isa, pool).ok());
        for (std::size_t i = 0; i < y.size(); ++i) {
          const float steps = std::fmin(std::fmax(y[i] / 0.03f, -128.0f), 127.0f);
          ASSERT_EQ(q[i], static_cast<int>(std::nearbyint(steps)));
        }
      }
    }
  }
}

TEST(LayerNorm, OfAConstantRowIsTheBias) {
  ThreadPool pool(1);
  const std::vector<float> x(100, 3.5f), scale(100, 2.0f), bias(100, 0.25f);
  RowNormParameters p{.rows = 1, .n = 100, .x_stride = 100, .y_stride = 100};
  p.scale = scale.data();
  p.bias = bias.data();
  for (CpuIsa isa : supported_isas()) {
    std::vector<float> y(100);
    ASSERT_TRUE(layer_norm(p, x.data(), y.data(), isa, pool).ok());
    for (float value : y) EXPECT_EQ(value, 0.25f);
  }
}

TEST(GroupNorm, NormalisesEachGroupOfAnImage) {
  std::mt19937 random(7);
  ThreadPool pool(2);
  const std::vector<float> x = random_floats(2 * 10 * 6, random, 1.0f);
  for (std::int64_t groups : {1, 2, 6}) {
    const GroupNormParameters p{.batch = 2, .pixels = 10, .channels = 6, .groups = groups};
    std::vector<float> y(x.size());
    group_norm(p, x.data(), y.data(), pool);
    const std::int64_t size = 6 / groups;
    for (std::int64_t n = 0; n < 2; ++n) {
      for (std::int64_t g = 0; g < groups; ++g) {
        double mean = 0, square = 0;
        for (std::int64_t i = 0; i < 10 * size; ++i) {
          const auto at = static_cast<std::size_t>((n * 10 + i / size) * 6 + g * size + i % size);
          mean += y[at] / static_cast<double>(10 * size);
          square += y[at] * y[at] / static_cast<double>(10 * size);
        }
        EXPECT_NEAR(mean, 0, 1e-6);    // float32 rounding of values near 1
        EXPECT_NEAR(square, 1, 1e-3);  // epsilon = 1e-5 against variances above 0.01
      }
    }
  }
}

TEST(Lrn, SumsSquaresOverNeighbouringChannels) {
  const float x[] = {1, 2, 3, 4};
  float y[4];
  ThreadPool pool(1);
  lrn({.pixels = 1, .channels = 4, .size = 3, .alpha = 0.5f, .beta = 0.75f, .bias = 2.0f}, x, y,
      pool);
  for (int c = 0; c < 4; ++c) {
    double squares = 0;
    for (int k = std::max(c - 1, 0); k <= std::min(c + 1, 3); ++k) squares += x[k] * x[k];
    EXPECT_FLOAT_EQ(y[c], static_cast<float>(x[c] / std::pow(2 + 0.5 / 3 * squares, 0.75)));
  }
}

TEST(ChannelAffine, IsOneFmaAChannel) {
  ThreadPool pool(1);
  const float x[] = {1, 2, 3, 4}, scale[] = {2, -1}, bias[] = {0.5f, 1};
  for (CpuIsa isa : supported_isas()) {
    float y[4];
    channel_affine(2, 2, scale, bias, x, y, isa, pool);
    EXPECT_EQ(std::vector<float>(y, y + 4), (std::vector<float>{2.5f, -1, 6.5f, -3}));
  }
}

}  // namespace
}  // namespace xinfer::kernels
