// float32 functions: equal on every instruction set, and within their stated ulps of double.
#include "kernels/elementwise/unary.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "kernels/elementwise/half.h"

namespace xinfer::kernels {
namespace {

struct Case {
  Unary op;
  float low, high;  ///< domain of the random values
  double ulps;      ///< bound relative to the result
  double absolute;  ///< bound that also suffices
  float alpha = 0.3f;
  float beta = 0.6f;
};

constexpr double kExact = 0.5001;

const Case kCases[] = {
    {Unary::kIdentity, -10, 10, 0, 0},
    {Unary::kAbs, -10, 10, 0, 0},
    {Unary::kNeg, -10, 10, 0, 0},
    {Unary::kExp, -103, 88.7f, 1.1, 2e-45},
    {Unary::kLog, 1e-40f, 1e30f, 1.0, 0},
    {Unary::kLog, 0.3f, 3.0f, 1.0, 0},
    {Unary::kSqrt, 0, 1e30f, kExact, 0},
    {Unary::kReciprocal, -1e3f, 1e3f, kExact, 0},
    {Unary::kFloor, -1e6f, 1e6f, 0, 0},
    {Unary::kCeil, -1e6f, 1e6f, 0, 0},
    {Unary::kRound, -100, 100, 0, 0},
    {Unary::kSign, -2, 2, 0, 0},
    {Unary::kErf, -5, 5, 2.0, 0},
    {Unary::kTanh, -12, 12, 3.0, 0},
    {Unary::kSigmoid, -85, 20, 3.0, 0},
    // alpha x + beta and x / 6 + 0.5 cancel near their zero: two roundings of values up to 1.
    {Unary::kHardSigmoid, -5, 5, 2.0, 1.2e-7},
    {Unary::kHardSwish, -5, 5, 3.0, 1e-6},
    {Unary::kSilu, -80, 80, 3.0, 0},
    {Unary::kGelu, -10, 10, 4.0, 1e-7},
    {Unary::kGeluTanh, -8, 8, 4.0, 1e-7},
    {Unary::kRelu, -10, 10, 0, 0},
    {Unary::kLeakyRelu, -10, 10, kExact, 0},
    {Unary::kElu, -50, 10, 3.0, 0},
    {Unary::kSelu, -50, 10, 3.5, 0},
    {Unary::kCelu, -50, 10, 4.0, 1e-8},
    {Unary::kThresholdedRelu, -2, 2, 0, 0},
    {Unary::kSoftplus, -80, 80, 3.0, 0},
    {Unary::kSoftsign, -100, 100, 1.5, 0},
    {Unary::kMish, -50, 50, 5.0, 1e-8},
    {Unary::kShrink, -2, 2, 1.0, 0},
    {Unary::kSwish, -80, 80, 27.0, 0},  // half an ulp of alpha x <= 24 enters through exp
    {Unary::kSin, -100, 100, kExact, 0},
    {Unary::kCos, -100, 100, kExact, 0},
    {Unary::kTan, -1.5f, 1.5f, kExact, 0},
    {Unary::kAsin, -1, 1, kExact, 0},
    {Unary::kAcos, -1, 1, kExact, 0},
    {Unary::kAtan, -50, 50, kExact, 0},
    {Unary::kSinh, -20, 20, kExact, 0},
    {Unary::kCosh, -20, 20, kExact, 0},
    {Unary::kAsinh, -50, 50, kExact, 0},
    {Unary::kAcosh, 1, 50, kExact, 0},
    {Unary::kAtanh, -0.99f, 0.99f, kExact, 0},
};

double ulp_of(double value) {
  const float magnitude = std::fabs(static_cast<float>(value));
  if (std::isinf(magnitude)) return std::numeric_limits<float>::max();
  const float next = std::nextafter(magnitude, std::numeric_limits<float>::infinity());
  return static_cast<double>(next) - static_cast<double>(magnitude);
}

std::vector<float> inputs(const Case& c, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<float> values = {c.low, c.high};
  std::uniform_real_distribution<float> uniform(c.low, c.high);
  for (int i = 0; i < 200000; ++i) values.push_back(uniform(random));
  // Values of every magnitude inside the domain.
  std::uniform_real_distribution<double> exponent(-40, 30);
  for (int i = 0; i < 50000; ++i) {
    const float magnitude = static_cast<float>(std::pow(10.0, exponent(random)));
    const float value = i % 2 == 0 ? magnitude : -magnitude;
    if (value >= c.low && value <= c.high) values.push_back(value);
  }
  return values;
}

class UnaryTest : public testing::TestWithParam<Case> {};

TEST_P(UnaryTest, IsWithinItsUlpsAndEqualOnEveryInstructionSet) {
  const Case& c = GetParam();
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  const std::vector<float> x = inputs(c, seed);
  const auto n = static_cast<std::int64_t>(x.size());
  ThreadPool pool(2);
  std::vector<float> first(x.size());
  unary_f32(c.op, x.data(), first.data(), n, c.alpha, c.beta, CpuIsa::kPortable, pool);
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double expected = unary_reference(c.op, x[i], c.alpha, c.beta);
    const double error = std::fabs(static_cast<double>(first[i]) - expected);
    if (error <= c.absolute || first[i] == static_cast<float>(expected)) continue;
    const double ulps = error / ulp_of(expected);
    ASSERT_LE(ulps, c.ulps) << "x = " << x[i] << ", expected " << expected << ", got " << first[i];
    worst = std::max(worst, ulps);
  }
  RecordProperty("worst_ulps", std::to_string(worst));
  for (CpuIsa isa : supported_isas()) {
    std::vector<float> y(x.size());
    unary_f32(c.op, x.data(), y.data(), n, c.alpha, c.beta, isa, pool);
    ASSERT_EQ(0, std::memcmp(y.data(), first.data(), y.size() * sizeof(float)))
        << to_string(isa) << " differs from portable";
  }
}

INSTANTIATE_TEST_SUITE_P(AllOps, UnaryTest, testing::ValuesIn(kCases), [](const auto& param) {
  return std::string(to_string(param.param.op)) + "_" + std::to_string(param.index);
});

TEST(Unary, KeepsSpecialValues) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  ThreadPool pool(1);
  for (CpuIsa isa : supported_isas()) {
    auto f = [&](Unary op, float x) {
      float y = 0;
      unary_f32(op, &x, &y, 1, 1.0f, 0.5f, isa, pool);
      return y;
    };
    EXPECT_EQ(f(Unary::kExp, kInf), kInf);
    EXPECT_EQ(f(Unary::kExp, -kInf), 0.0f);
    EXPECT_EQ(f(Unary::kExp, 89.0f), kInf);
    EXPECT_EQ(f(Unary::kExp, 0.0f), 1.0f);
    EXPECT_EQ(f(Unary::kLog, 0.0f), -kInf);
    EXPECT_EQ(f(Unary::kLog, kInf), kInf);
    EXPECT_TRUE(std::isnan(f(Unary::kLog, -1.0f)));
    EXPECT_EQ(f(Unary::kLog, 1.0f), 0.0f);
    EXPECT_EQ(f(Unary::kErf, kInf), 1.0f);
    EXPECT_EQ(f(Unary::kErf, -kInf), -1.0f);
    EXPECT_EQ(f(Unary::kTanh, kInf), 1.0f);
    EXPECT_EQ(f(Unary::kTanh, -kInf), -1.0f);
    EXPECT_EQ(f(Unary::kSigmoid, kInf), 1.0f);
    EXPECT_EQ(f(Unary::kSigmoid, -kInf), 0.0f);
    EXPECT_EQ(f(Unary::kSilu, -200.0f), 0.0f);
    EXPECT_EQ(f(Unary::kSoftplus, -kInf), 0.0f);
    EXPECT_EQ(f(Unary::kSoftplus, kInf), kInf);
    EXPECT_EQ(f(Unary::kMish, kInf), kInf);
    EXPECT_EQ(f(Unary::kElu, kInf), kInf);
    EXPECT_EQ(f(Unary::kElu, -kInf), -1.0f);
    EXPECT_EQ(f(Unary::kRound, 2.5f), 2.0f);
    EXPECT_EQ(f(Unary::kRound, -1.5f), -2.0f);
    EXPECT_TRUE(std::signbit(f(Unary::kTanh, -0.0f)));
    EXPECT_TRUE(std::signbit(f(Unary::kErf, -0.0f)));
    for (int op = 0; op < static_cast<int>(Unary::kNot); ++op) {
      if (static_cast<Unary>(op) == Unary::kThresholdedRelu) continue;
      if (static_cast<Unary>(op) == Unary::kShrink) continue;
      EXPECT_TRUE(std::isnan(f(static_cast<Unary>(op), kNan)))
          << to_string(static_cast<Unary>(op)) << " " << to_string(isa);
    }
  }
}

TEST(Unary, IntegersWrapAsNumPyDoes) {
  ThreadPool pool(1);
  const std::int8_t x[] = {-128, -3, 0, 5};
  std::int8_t y[4];
  ASSERT_TRUE(unary(Unary::kAbs, DType::kInt8, x, y, 4, 0, 0, CpuIsa::kPortable, pool).ok());
  EXPECT_EQ(y[0], -128);
  EXPECT_EQ(y[1], 3);
  ASSERT_TRUE(unary(Unary::kNeg, DType::kInt8, x, y, 4, 0, 0, CpuIsa::kPortable, pool).ok());
  EXPECT_EQ(y[0], -128);
  EXPECT_EQ(y[3], -5);
  ASSERT_TRUE(unary(Unary::kSign, DType::kInt8, x, y, 4, 0, 0, CpuIsa::kPortable, pool).ok());
  EXPECT_EQ(y[0], -1);
  EXPECT_EQ(y[2], 0);
  EXPECT_EQ(unary(Unary::kExp, DType::kInt8, x, y, 4, 0, 0, CpuIsa::kPortable, pool).message(),
            "Exp of int8 is not defined");
}

TEST(Unary, HalfsAreComputedInFloat) {
  ThreadPool pool(1);
  const Float16 x[] = {Float16(1.0), Float16(-2.5), Float16(0.1)};
  Float16 y[3];
  ASSERT_TRUE(unary(Unary::kExp, DType::kFloat16, x, y, 3, 0, 0, CpuIsa::kPortable, pool).ok());
  for (int i = 0; i < 3; ++i) {
    const Float16 expected(std::exp(static_cast<double>(static_cast<float>(x[i]))));
    EXPECT_EQ(y[i].bits, expected.bits);
  }
}

TEST(UnaryTable, RoundsHalfToEvenAndSaturates) {
  std::uint8_t table[256];
  unary_table(Unary::kIdentity, 0, 0, DType::kInt8, 0.5f, DType::kUInt8, 1.0f, table);
  EXPECT_EQ(table[1], 0);    // 0.5 -> 0
  EXPECT_EQ(table[3], 2);    // 1.5 -> 2
  EXPECT_EQ(table[255], 0);  // -0.5 -> clamped
  unary_table(Unary::kSilu, 0, 0, DType::kUInt8, 0.1f, DType::kInt8, 0.05f, table);
  EXPECT_EQ(table[255], 127);
}

TEST(Half, RoundsOnceAndKeepsDenormals) {
  EXPECT_EQ(Float16(65504.0).bits, 0x7bff);
  EXPECT_EQ(Float16(65520.0).bits, 0x7c00);  // halfway to 65536: to even, which is infinity
  EXPECT_EQ(Float16(65519.9).bits, 0x7bff);
  EXPECT_EQ(Float16(5.9604644775390625e-8).bits, 1);
  EXPECT_EQ(Float16(2.9802322387695312e-8).bits, 0);  // halfway to the least denormal
  EXPECT_EQ(Float16(-2.0).bits, 0xc000);
  EXPECT_EQ(BFloat16(1.0).bits, 0x3f80);
  EXPECT_EQ(BFloat16(1.00390625).bits, 0x3f80);  // halfway: to even
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    Float16 half;
    half.bits = static_cast<std::uint16_t>(bits);
    const float value = half;
    if (std::isnan(value)) continue;
    ASSERT_EQ(Float16(value).bits, bits);
    BFloat16 brain;
    brain.bits = static_cast<std::uint16_t>(bits);
    if (std::isnan(static_cast<float>(brain))) continue;
    ASSERT_EQ(BFloat16(static_cast<float>(brain)).bits, bits);
  }
}

TEST(Half, FloatAndDoubleRoundAlike) {
  // Every 997th float of either sign, and all around the borders of the classes.
  std::vector<std::uint32_t> words;
  for (std::uint64_t word = 0; word < 0x100000000u; word += 997) {
    words.push_back(static_cast<std::uint32_t>(word));
  }
  for (std::uint32_t border : {0x38800000u, 0x33000000u, 0x47800000u, 0x477ff000u, 0x7f7f8000u}) {
    for (std::uint32_t step = 0; step < 64; ++step) words.push_back(border - 32 + step);
  }
  for (std::uint32_t word : words) {
    const float value = std::bit_cast<float>(word);
    const auto exact = static_cast<double>(value);
    ASSERT_EQ(Float16(value).bits, Float16(exact).bits) << value;
    ASSERT_EQ(BFloat16(value).bits, BFloat16(exact).bits) << value;
  }
}

}  // namespace
}  // namespace xinfer::kernels
