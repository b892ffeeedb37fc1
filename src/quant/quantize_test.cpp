#include "quant/quantize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "quant/requantize.h"
#include "quant/table.h"
#include "quant/weights.h"

namespace xinfer::quant {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr float kInf = std::numeric_limits<float>::infinity();

TEST(Quantize, RoundsHalfToEven) {
  EXPECT_EQ(quantize(0.5f, 1.0f, DType::kInt8), 0);
  EXPECT_EQ(quantize(1.5f, 1.0f, DType::kInt8), 2);
  EXPECT_EQ(quantize(2.5f, 1.0f, DType::kInt8), 2);
  EXPECT_EQ(quantize(-0.5f, 1.0f, DType::kInt8), 0);
  EXPECT_EQ(quantize(-1.5f, 1.0f, DType::kInt8), -2);
  EXPECT_EQ(quantize(254.5f, 1.0f, DType::kUInt8), 254);
}

TEST(Quantize, SaturatesBeforeItConverts) {
  EXPECT_EQ(quantize(1e30f, 1e-3f, DType::kInt8), 127);
  EXPECT_EQ(quantize(-1e30f, 1e-3f, DType::kInt8), -128);
  EXPECT_EQ(quantize(kInf, 1.0f, DType::kUInt8), 255);
  EXPECT_EQ(quantize(-kInf, 1.0f, DType::kUInt8), 0);
  EXPECT_EQ(quantize(std::nanf(""), 1.0f, DType::kInt8), -128);
}

TEST(Quantize, DividesInsteadOfMultiplyingByTheReciprocal) {
  // x / scale is exactly 1.5, a tie that goes to 2; many reciprocals are rounded down and miss it.
  int missed_by_reciprocal = 0;
  for (int i = 3; i < 1000; i += 2) {
    const float scale = static_cast<float>(i);
    const float x = 1.5f * scale;
    missed_by_reciprocal += std::nearbyint(x * (1.0f / scale)) != 2.0f;
    EXPECT_EQ(quantize(x, scale, DType::kInt8), 2) << scale;
  }
  EXPECT_GT(missed_by_reciprocal, 0);
}

TEST(Quantize, ErrsByAtMostHalfAStepInRange) {
  const unsigned seed = 17;
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(-1.0f, 1.0f);
  for (DType dtype : {DType::kInt8, DType::kUInt8}) {
    const float scale = scale_for(s8_scale(1.0), dtype);
    for (int i = 0; i < 10000; ++i) {
      const float x = dtype == DType::kUInt8 ? std::fabs(uniform(random)) : uniform(random);
      const float back = dequantize(quantize(x, scale, dtype), scale);
      // Half a step, and one rounding each of the quotient (up to 255) and of the product.
      EXPECT_LE(std::fabs(back - x), scale * (0.5f + 256.0f * 1.2e-7f)) << x;
    }
  }
}

TEST(Scale, IsRoundedOnceAndU8IsDerivedFromS8) {
  EXPECT_EQ(s8_scale(127.0), 1.0f);
  EXPECT_EQ(s8_scale(6.0), static_cast<float>(6.0 / 127.0));
  EXPECT_EQ(u8_scale(1.0f), static_cast<float>(127.0 / 255.0));
  EXPECT_EQ(scale_for(0.25f, DType::kInt8), 0.25f);
  EXPECT_EQ(scale_for(0.25f, DType::kUInt8), u8_scale(0.25f));
}

TEST(Scale, OnlyNormalPositiveNumbersAreUsable) {
  EXPECT_TRUE(is_usable_scale(1e-30f));
  for (float bad : {0.0f, -1.0f, kInf, std::nanf(""), 1e-40f}) {
    EXPECT_FALSE(is_usable_scale(bad)) << bad;
  }
}

TEST(Weights, AreSymmetricPerOutputChannel) {
  const float w[] = {-127.0f, 63.5f, 1.0f, 0.0f, 0.0f, 0.0f, 0.5f, -0.25f, 0.0f};
  const QuantizedWeights q = quantize_weights({w, 3, 1, 3, 3, 0, 1}).value();
  EXPECT_THAT(q.scales, ElementsAre(1.0f, 1.0f, static_cast<float>(0.5 / 127.0)));
  EXPECT_THAT(q.values, ElementsAre(-127, 64, 1, 0, 0, 0, 127, -64, 0));
}

TEST(Weights, StridesReachTheColumnsOfAMatMul) {
  const float w[] = {1.0f, -8.0f, 2.0f, 4.0f, 4.0f, 0.0f};  // [K = 3, N = 2]
  const QuantizedWeights q = quantize_weights({w, 2, 1, 3, 1, 0, 2}).value();
  EXPECT_THAT(q.scales, ElementsAre(static_cast<float>(4.0 / 127), static_cast<float>(8.0 / 127)));
  // 31.75 + 63.5 + 127: nearest rounding errs by 3/4 in all, so the half goes down.
  EXPECT_THAT(q.values, ElementsAre(32, 63, 127, -127, 64, 0));
}

TEST(Weights, ThatWereQuantisedBeforeKeepTheirIntegers) {
  const unsigned seed = 11;
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  std::uniform_int_distribution<int> integer(-99, 99);
  std::uniform_real_distribution<float> step(0.001f, 0.1f);
  constexpr std::int64_t kInputs = 27;
  for (int round = 0; round < 500; ++round) {
    const float scale = step(random), factor = step(random);
    std::vector<int> given(kInputs);
    std::vector<float> weights(kInputs);
    for (std::size_t i = 0; i < given.size(); ++i) {
      given[i] = integer(random);
      // As DequantizeLinear gives it, and a batch norm scales it.
      weights[i] = static_cast<float>(given[i]) * scale * factor;
    }
    const WeightView view = {weights.data(), 1, 1, kInputs, kInputs, 0, 1};
    EXPECT_TRUE(lie_on_grid(view));
    const QuantizedWeights q = quantize_weights(view).value();
    for (std::size_t i = 0; i < given.size(); ++i) {
      const double real = static_cast<double>(q.values[i]) * static_cast<double>(q.scales[0]);
      const double step_size = static_cast<double>(scale) * static_cast<double>(factor);
      ASSERT_NEAR(real / step_size, given[i], 1e-4) << round;
    }
  }
  std::uniform_real_distribution<float> uniform(-1.0f, 1.0f);
  std::vector<float> floats(kInputs);
  for (float& w : floats) w = uniform(random);
  EXPECT_FALSE(lie_on_grid({floats.data(), 1, 1, kInputs, kInputs, 0, 1}));
}

TEST(Weights, NeverReachMinus128AndVanishingChannelsGetScaleOne) {
  const unsigned seed = 5;
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  std::uniform_int_distribution<std::uint32_t> bits(0x00800000u, 0x7f000000u);
  for (int i = 0; i < 20000; ++i) {
    const float w = -std::bit_cast<float>(bits(random));
    const QuantizedWeights q = quantize_weights({&w, 1, 1, 1, 1, 0, 1}).value();
    EXPECT_GE(q.values[0], -127) << w;
  }
  const float tiny = 1e-40f;
  EXPECT_EQ(weight_scales({&tiny, 1, 1, 1, 1, 0, 1}).value()[0], 1.0f);
}

TEST(Weights, RefuseWhatIsNotFinite) {
  const float w[] = {1.0f, 2.0f, 3.0f, std::nanf("")};
  const Status status = quantize_weights({w, 2, 1, 2, 2, 0, 1}).status();
  EXPECT_EQ(status.code(), ErrorCode::kInvalidModel);
  EXPECT_THAT(status.message(),
              HasSubstr("the weight of input 1 at tap 0 of output channel 1 is nan"));
}

TEST(Accumulator, BoundIsExact) {
  const std::int8_t q[] = {127, -127, 1, 2, -3, 4};
  EXPECT_EQ(largest_weight_sum(q, 3), 255);
  // floor((2^31 - 1) / 255) = 8421504, floor((2^31 - 1) / 128) = 16777215.
  EXPECT_TRUE(check_accumulator(8421504, DType::kUInt8).ok());
  EXPECT_FALSE(check_accumulator(8421505, DType::kUInt8).ok());
  EXPECT_TRUE(check_accumulator(16777215, DType::kInt8).ok());
  const Status refused = check_accumulator(16777216, DType::kInt8);
  EXPECT_EQ(refused.code(), ErrorCode::kUnsupported);
  EXPECT_THAT(refused.message(), HasSubstr("16777216; times 128 (int8 activations)"));
  EXPECT_TRUE(check_activation_product(65793).ok());
  EXPECT_FALSE(check_activation_product(65794).ok());
}

TEST(Requantize, ConstantsAreRoundedOnceFromDouble) {
  const float weights[] = {0.1f, 0.3f};
  const float bias[] = {1.0f, -7.7f};
  const RequantizeConstants c = requantize_constants(0.7f, weights, 0.9f, bias);
  for (int n = 0; n < 2; ++n) {
    EXPECT_EQ(c.multiplier[n], static_cast<float>(double{0.7f} * weights[n] / double{0.9f}));
    EXPECT_EQ(c.bias[n], static_cast<float>(double{bias[n]} / double{0.9f}));
  }
  EXPECT_THAT(requantize_constants(0.7f, weights, 0.9f, {}).bias, ElementsAre(0.0f, 0.0f));
}

TEST(Requantize, FloatOutputsKeepTheirBias) {
  const float weights[] = {0.1f};
  const float bias[] = {-7.7f};
  const RequantizeConstants c = dequantize_constants(0.7f, weights, bias);
  EXPECT_EQ(c.multiplier[0], static_cast<float>(double{0.7f} * double{0.1f}));
  EXPECT_EQ(c.bias[0], -7.7f);
}

TEST(Requantize, Factors) {
  EXPECT_EQ(rescale_factor(0.3f, 0.7f), static_cast<float>(double{0.3f} / double{0.7f}));
  EXPECT_EQ(average_factor(0.3f, 0.7f, 49), static_cast<float>(double{0.3f} / (double{0.7f} * 49)));
}

TEST(Table, HoldsTheFunctionAtEveryInput) {
  const auto sigmoid = [](double x) { return 1.0 / (1.0 + std::exp(-x)); };
  const Encoding in{DType::kInt8, 0.05f};
  const Encoding out{DType::kUInt8, static_cast<float>(1.0 / 255)};
  const Table table = build_table(sigmoid, in, out);
  for (int q = -128; q <= 127; ++q) {
    const double real = sigmoid(q * double{in.scale}) / double{out.scale};
    EXPECT_EQ(table[static_cast<std::uint8_t>(q)], std::nearbyint(std::min(real, 255.0))) << q;
  }
}

TEST(Table, RoundsHalfEvenSaturatesAndStoresSignedBytes) {
  const auto half = [](double x) { return x / 2; };
  const Table rounded = build_table(half, {DType::kUInt8, 1.0f}, {DType::kInt8, 1.0f});
  EXPECT_EQ(rounded[1], 0);
  EXPECT_EQ(rounded[3], 2);
  EXPECT_EQ(rounded[255], 127);
  const auto negate = [](double x) { return -x; };
  const Table negated = build_table(negate, {DType::kUInt8, 1.0f}, {DType::kInt8, 1.0f});
  EXPECT_EQ(static_cast<std::int8_t>(negated[100]), -100);
  EXPECT_EQ(static_cast<std::int8_t>(negated[200]), -128);
}

TEST(Table, NanBecomesZero) {
  const auto log = [](double x) { return std::log(x); };
  const Table table = build_table(log, {DType::kInt8, 1.0f}, {DType::kInt8, 1.0f});
  EXPECT_EQ(table[static_cast<std::uint8_t>(-5)], 0);
  EXPECT_EQ(static_cast<std::int8_t>(table[0]), -128);
  EXPECT_EQ(table[20], 3);
}

}  // namespace
}  // namespace xinfer::quant
