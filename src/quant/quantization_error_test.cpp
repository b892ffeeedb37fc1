#include "quant/quantization_error.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "quant/quantize.h"

namespace xinfer::quant {
namespace {

std::vector<float> random_values(std::uint32_t seed, std::size_t count, float deviation) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, deviation);
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

TEST(RoundToGrid, IsWhatQuantiseAndDequantiseGive) {
  const auto seed = static_cast<std::uint32_t>(std::random_device()());
  SCOPED_TRACE("seed " + std::to_string(seed));
  for (const DType dtype : {DType::kInt8, DType::kUInt8}) {
    for (const float scale : {1.0f, 0.03f, 3e-9f, 7e20f}) {
      std::vector<float> values = random_values(seed, 1003, 90 * scale);
      // Ties, their neighbours, and what saturates.
      for (const float q : {0.5f, 1.5f, -2.5f, 127.5f, 254.5f, -128.5f, 1e6f, -1e6f}) {
        values.insert(values.end(), {q * scale, std::nextafter(q * scale, 0.0f)});
      }
      std::vector<float> rounded(values.size());
      round_to_grid(values, scale, dtype, rounded);
      for (std::size_t i = 0; i < values.size(); ++i) {
        EXPECT_EQ(rounded[i], dequantize(quantize(values[i], scale, dtype), scale)) << values[i];
      }
    }
  }
}

TEST(SquaredDifference, IsTheSum) {
  for (const std::size_t size : {0u, 1u, 7u, 8u, 9u, 64u, 1001u}) {
    const std::vector<float> a = random_values(1, size, 1), b = random_values(2, size, 1);
    double expected = 0, expected_square = 0;
    for (std::size_t i = 0; i < size; ++i) {
      expected += (static_cast<double>(a[i]) - b[i]) * (static_cast<double>(a[i]) - b[i]);
      expected_square += static_cast<double>(a[i]) * a[i];
    }
    // Every order of positive terms errs by at most size * 2^-53 of the sum.
    EXPECT_NEAR(squared_difference(a, b), expected, 2e-13 * expected) << size;
    EXPECT_NEAR(squared_sum(a), expected_square, 2e-13 * expected_square) << size;
  }
}

}  // namespace
}  // namespace xinfer::quant
