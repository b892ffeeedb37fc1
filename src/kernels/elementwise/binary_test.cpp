// Binary functions, Where, Cast and Clip: broadcasting against index arithmetic, edge values
// against NumPy's results.
#include "kernels/elementwise/binary.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "kernels/elementwise/cast.h"
#include "kernels/elementwise/half.h"
#include "kernels/elementwise/select.h"

namespace xinfer::kernels {
namespace {

using Dims = std::vector<std::int64_t>;

StridedLoop<3> loop_of(const Dims& a, const Dims& b) {
  return broadcast<2>({std::span(a), std::span(b)}).value();
}

/// The element of a dense tensor that stands for output element `i` after broadcasting.
std::size_t source(const Dims& dims, const StridedLoop<3>& loop, std::int64_t i) {
  std::int64_t at = 0, stride = 1;
  for (int d = loop.rank - 1; d >= 0; --d) {
    const std::int64_t index = i % loop.dims[d];
    i /= loop.dims[d];
    const int own = d - (loop.rank - static_cast<int>(dims.size()));
    if (own < 0) continue;
    const std::int64_t dim = dims[static_cast<std::size_t>(own)];
    if (dim != 1) at += index * stride;
    stride *= dim;
  }
  return static_cast<std::size_t>(at);
}

std::int64_t count_of(const Dims& dims) {
  std::int64_t count = 1;
  for (std::int64_t dim : dims) count *= dim;
  return count;
}

TEST(Binary, BroadcastsAsNumPyOnEveryInstructionSet) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  ThreadPool pool(2);
  for (int round = 0; round < 200; ++round) {
    const int rank = static_cast<int>(random() % 5);
    Dims full, a_dims, b_dims;
    for (int d = 0; d < rank; ++d) full.push_back(1 + static_cast<std::int64_t>(random() % 7));
    if (round == 0) full = {3, 50, 1000};
    for (auto* dims : {&a_dims, &b_dims}) {
      *dims = full;
      for (auto& dim : *dims) {
        if (random() % 3 == 0) dim = 1;
      }
      if (random() % 3 == 0 && !dims->empty()) dims->erase(dims->begin());
    }
    const StridedLoop<3> loop = loop_of(a_dims, b_dims);
    std::vector<float> a(static_cast<std::size_t>(count_of(a_dims)));
    std::vector<float> b(static_cast<std::size_t>(count_of(b_dims)));
    for (float& value : a) value = normal(random);
    for (float& value : b) value = normal(random);
    for (CpuIsa isa : supported_isas()) {
      std::vector<float> y(static_cast<std::size_t>(loop.size()));
      auto check = [&](Binary op, auto expected) {
        ASSERT_TRUE(
            binary(op, DType::kFloat32, loop, a.data(), b.data(), y.data(), isa, pool).ok());
        for (std::int64_t i = 0; i < loop.size(); ++i) {
          ASSERT_EQ(y[static_cast<std::size_t>(i)],
                    expected(a[source(a_dims, loop, i)], b[source(b_dims, loop, i)]))
              << to_string(op);
        }
      };
      check(Binary::kAdd, [](float p, float q) { return p + q; });
      check(Binary::kSub, [](float p, float q) { return p - q; });
      check(Binary::kMul, [](float p, float q) { return p * q; });
      check(Binary::kDiv, [](float p, float q) { return p / q; });
      check(Binary::kMin, [](float p, float q) { return std::min(p, q); });
      check(Binary::kMax, [](float p, float q) { return std::max(p, q); });
      check(Binary::kPRelu, [](float p, float q) { return p < 0 ? p * q : p; });
    }
  }
}

TEST(Broadcast, RefusesDimensionsThatDiffer) {
  const Dims a = {2, 3}, b = {2, 4};
  EXPECT_EQ((broadcast<2>({std::span(a), std::span(b)}).status().message()),
            "cannot broadcast: dimension 1 is 3 in one input and 4 in another");
}

template <typename T>
T scalar(Binary op, DType dtype, T a, T b) {
  ThreadPool pool(1);
  T y{};
  binary(op, dtype, loop_of({}, {}), &a, &b, &y, best_isa(), pool).value();
  return y;
}

TEST(Binary, IntegersFollowNumPy) {
  const auto f = [](Binary op, std::int32_t a, std::int32_t b) {
    return scalar(op, DType::kInt32, a, b);
  };
  EXPECT_EQ(f(Binary::kDiv, -7, 2), -3);
  EXPECT_EQ(f(Binary::kMod, -7, 3), 2);
  EXPECT_EQ(f(Binary::kFmod, -7, 3), -1);
  EXPECT_EQ(f(Binary::kMod, 7, -3), -2);
  EXPECT_EQ(f(Binary::kDiv, 7, 0), 0);
  EXPECT_EQ(f(Binary::kDiv, std::numeric_limits<std::int32_t>::min(), -1),
            std::numeric_limits<std::int32_t>::min());
  EXPECT_EQ(f(Binary::kPow, -3, 3), -27);
  EXPECT_EQ(f(Binary::kPow, 2, -1), 0);
  EXPECT_EQ(scalar<std::int8_t>(Binary::kAdd, DType::kInt8, 127, 1), -128);
  EXPECT_EQ(scalar<std::uint8_t>(Binary::kMul, DType::kUInt8, 200, 2), 144);
  EXPECT_EQ(scalar<std::uint8_t>(Binary::kShiftLeft, DType::kUInt8, 129, 1), 2);
  EXPECT_EQ(scalar<std::uint8_t>(Binary::kShiftRight, DType::kUInt8, 129, 8), 0);
  EXPECT_EQ(scalar<double>(Binary::kFmod, DType::kFloat64, -7.5, 2.0), -1.5);
  EXPECT_EQ(scalar<double>(Binary::kMod, DType::kFloat64, -7.5, 2.0), 0.5);
}

TEST(Binary, MinAndMaxPropagateNan) {
  const float nan = std::nanf("");
  for (Binary op : {Binary::kMin, Binary::kMax}) {
    EXPECT_TRUE(std::isnan(scalar(op, DType::kFloat32, nan, 1.0f)));
    EXPECT_TRUE(std::isnan(scalar(op, DType::kFloat32, 1.0f, nan)));
  }
}

TEST(Binary, ComparisonsGiveBool) {
  ThreadPool pool(1);
  const std::int64_t a[] = {1, 2, 3}, b[] = {2};
  bool y[3];
  const StridedLoop<3> loop = loop_of({3}, {1});
  ASSERT_TRUE(binary(Binary::kLessOrEqual, DType::kInt64, loop, a, b, y, best_isa(), pool).ok());
  EXPECT_TRUE(y[0] && y[1] && !y[2]);
  EXPECT_EQ(binary(Binary::kAnd, DType::kFloat32, loop, a, b, y, best_isa(), pool).message(),
            "And of float32 is not defined");
}

TEST(Power, MixesTypes) {
  ThreadPool pool(1);
  const float a[] = {2, 3, 4};
  const std::int64_t b[] = {3};
  float y[3];
  ASSERT_TRUE(power(DType::kFloat32, DType::kInt64, loop_of({3}, {1}), a, b, y, pool).ok());
  EXPECT_EQ(std::vector<float>(y, y + 3), (std::vector<float>{8, 27, 64}));
  const std::int32_t c[] = {9};
  const float half[] = {0.5f};
  std::int32_t z[1];
  ASSERT_TRUE(power(DType::kInt32, DType::kFloat32, loop_of({1}, {1}), c, half, z, pool).ok());
  EXPECT_EQ(z[0], 3);
}

TEST(Select, BroadcastsItsThreeInputs) {
  ThreadPool pool(1);
  const bool condition[] = {true, false};
  const float a[] = {1, 2, 3}, b[] = {9};
  float y[6];
  const Dims c_dims = {2, 1}, a_dims = {3}, b_dims = {1};
  const auto loop = broadcast<3>({std::span(c_dims), std::span(a_dims), std::span(b_dims)}).value();
  select(4, loop, condition, a, b, y, pool);
  EXPECT_EQ(std::vector<float>(y, y + 6), (std::vector<float>{1, 2, 3, 9, 9, 9}));
}

template <typename From, typename To>
To cast_one(DType from, DType to, From value) {
  ThreadPool pool(1);
  To y{};
  cast(from, &value, to, &y, 1, pool);
  return y;
}

TEST(Cast, TruncatesAndSaturates) {
  const auto to_i8 = [](float x) {
    return cast_one<float, std::int8_t>(DType::kFloat32, DType::kInt8, x);
  };
  EXPECT_EQ(to_i8(-1.9f), -1);
  EXPECT_EQ(to_i8(1e9f), 127);
  EXPECT_EQ(to_i8(-1e9f), -128);
  EXPECT_EQ(to_i8(std::nanf("")), 0);
  EXPECT_EQ((cast_one<double, std::int64_t>(DType::kFloat64, DType::kInt64, 1e30)),
            std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ((cast_one<std::int32_t, std::uint8_t>(DType::kInt32, DType::kUInt8, -1)), 255);
  EXPECT_TRUE((cast_one<float, bool>(DType::kFloat32, DType::kBool, 0.25f)));
  EXPECT_EQ((cast_one<double, Float16>(DType::kFloat64, DType::kFloat16, 1e6).bits), 0x7c00);
  EXPECT_EQ((cast_one<float, BFloat16>(DType::kFloat32, DType::kBFloat16, 3.14159265f).bits),
            0x4049);
  EXPECT_EQ((cast_one<bool, float>(DType::kBool, DType::kFloat32, true)), 1.0f);
}

TEST(Clip, WorksInEveryType) {
  ThreadPool pool(1);
  const float x[] = {-2, 0.5f, 7, std::nanf("")}, low[] = {-1}, high[] = {6};
  float y[4];
  ASSERT_TRUE(clip(DType::kFloat32, x, y, 4, low, high, pool).ok());
  EXPECT_EQ(y[0], -1);
  EXPECT_EQ(y[1], 0.5f);
  EXPECT_EQ(y[2], 6);
  EXPECT_TRUE(std::isnan(y[3]));
  const std::int8_t q[] = {-100, 100}, bound[] = {10};
  std::int8_t r[2];
  ASSERT_TRUE(clip(DType::kInt8, q, r, 2, nullptr, bound, pool).ok());
  EXPECT_EQ(r[0], -100);
  EXPECT_EQ(r[1], 10);
}

}  // namespace
}  // namespace xinfer::kernels
