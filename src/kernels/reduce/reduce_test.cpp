// Reductions against plain loops over random shapes and axes, and edge cases of each op.
#include "kernels/reduce/reduce.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <vector>

namespace xinfer::kernels {
namespace {

using Dims = std::vector<std::int64_t>;

struct Axes {
  bool flags[8] = {};
  std::span<const bool> of(const Dims& dims) const { return {flags, dims.size()}; }
};

/// The reduced elements of every output, in order.
std::vector<std::vector<double>> groups(const Dims& dims, const Axes& axes,
                                        const std::vector<float>& x) {
  std::map<std::int64_t, std::vector<double>> by_output;
  for (std::size_t i = 0; i < x.size(); ++i) {
    auto rest = static_cast<std::int64_t>(i);
    std::int64_t out = 0, stride = 1;
    for (std::size_t d = dims.size(); d-- > 0;) {
      if (!axes.flags[d]) {
        out += rest % dims[d] * stride;
        stride *= dims[d];
      }
      rest /= dims[d];
    }
    by_output[out].push_back(x[i]);
  }
  std::vector<std::vector<double>> result;
  for (auto& [out, values] : by_output) result.push_back(values);
  return result;
}

double expected_of(ReduceKind op, const std::vector<double>& values) {
  double sum = 0, squares = 0, absolute = 0, product = 1, exponentials = 0;
  double best = values[0], least = values[0];
  for (double v : values) {
    sum += v;
    squares += v * v;
    absolute += std::fabs(v);
    product *= v;
    exponentials += std::exp(v);
    best = std::max(best, v);
    least = std::min(least, v);
  }
  switch (op) {
    case ReduceKind::kSum:
      return sum;
    case ReduceKind::kMean:
      return sum / static_cast<double>(values.size());
    case ReduceKind::kMax:
      return best;
    case ReduceKind::kMin:
      return least;
    case ReduceKind::kProd:
      return product;
    case ReduceKind::kL1:
      return absolute;
    case ReduceKind::kL2:
      return std::sqrt(squares);
    case ReduceKind::kLogSum:
      return std::log(sum);
    case ReduceKind::kLogSumExp:
      return std::log(exponentials);
    case ReduceKind::kSumSquare:
      return squares;
  }
  return 0;
}

TEST(Reduce, EveryOpOverEveryAxesSet) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(0.5f, 1.5f);
  ThreadPool one(1), two(2);
  for (int round = 0; round < 60; ++round) {
    const int rank = 1 + static_cast<int>(random() % 4);
    Dims dims;
    Axes axes;
    std::size_t count = 1;
    for (int d = 0; d < rank; ++d) {
      dims.push_back(1 + static_cast<std::int64_t>(random() % 20));
      axes.flags[d] = random() % 2;
      count *= static_cast<std::size_t>(dims.back());
    }
    std::vector<float> x(count);
    for (float& value : x) value = uniform(random);
    const auto expected = groups(dims, axes, x);
    for (int op = 0; op <= static_cast<int>(ReduceKind::kSumSquare); ++op) {
      std::vector<float> first;
      for (ThreadPool* pool : {&one, &two}) {
        std::vector<float> y(expected.size());
        ASSERT_TRUE(reduce(static_cast<ReduceKind>(op), DType::kFloat32, dims, axes.of(dims),
                           x.data(), y.data(), *pool)
                        .ok());
        for (std::size_t i = 0; i < y.size(); ++i) {
          const double value = expected_of(static_cast<ReduceKind>(op), expected[i]);
          // Double accumulation leaves the one rounding to float.
          ASSERT_NEAR(y[i], value, 6.1e-8 * std::fabs(value) + 1e-12)
              << to_string(static_cast<ReduceKind>(op));
        }
        if (first.empty()) first = y;
        ASSERT_EQ(first, y);
      }
    }
  }
}

TEST(Reduce, DoesNotDependOnThreads) {
  ThreadPool one(1), two(2);
  const Dims dims = {64, 70, 40};
  std::vector<float> x(64 * 70 * 40);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = 1.0f / static_cast<float>(i + 1);
  for (int axis = 0; axis < 3; ++axis) {
    Axes axes;
    axes.flags[axis] = true;
    std::vector<float> a(64 * 70), b(64 * 70);
    ASSERT_TRUE(
        reduce(ReduceKind::kSum, DType::kFloat32, dims, axes.of(dims), x.data(), a.data(), one)
            .ok());
    ASSERT_TRUE(
        reduce(ReduceKind::kSum, DType::kFloat32, dims, axes.of(dims), x.data(), b.data(), two)
            .ok());
    EXPECT_EQ(a, b);
  }
}

TEST(Reduce, IntegersWrapAndTruncate) {
  ThreadPool pool(1);
  const Dims dims = {3};
  Axes axes;
  axes.flags[0] = true;
  const std::int32_t x[] = {std::numeric_limits<std::int32_t>::max(), 1, 1};
  std::int32_t y;
  ASSERT_TRUE(reduce(ReduceKind::kSum, DType::kInt32, dims, axes.of(dims), x, &y, pool).ok());
  EXPECT_EQ(y, std::numeric_limits<std::int32_t>::min() + 1);
  const std::int64_t z[] = {-1, -2, -2};
  std::int64_t mean;
  ASSERT_TRUE(reduce(ReduceKind::kMean, DType::kInt64, dims, axes.of(dims), z, &mean, pool).ok());
  EXPECT_EQ(mean, -1);
}

TEST(Reduce, OverNothingGivesTheNeutralElement) {
  ThreadPool pool(1);
  const Dims dims = {2, 0, 3};
  Axes axes;
  axes.flags[1] = true;
  const auto f = [&](ReduceKind op) {
    float y[6] = {7, 7, 7, 7, 7, 7};
    EXPECT_TRUE(reduce(op, DType::kFloat32, dims, axes.of(dims), y, y, pool).ok());
    return y[5];
  };
  EXPECT_EQ(f(ReduceKind::kSum), 0.0f);
  EXPECT_EQ(f(ReduceKind::kProd), 1.0f);
  EXPECT_EQ(f(ReduceKind::kMax), -std::numeric_limits<float>::infinity());
  EXPECT_EQ(f(ReduceKind::kLogSumExp), -std::numeric_limits<float>::infinity());
}

TEST(Reduce, OfAScalarIsTheScalar) {
  ThreadPool pool(1);
  const float x = -3;
  float y;
  ASSERT_TRUE(reduce(ReduceKind::kL2, DType::kFloat32, {}, {}, &x, &y, pool).ok());
  EXPECT_EQ(y, 3.0f);
}

TEST(Reduce, LogSumExpDoesNotOverflow) {
  ThreadPool pool(1);
  const Dims dims = {2};
  Axes axes;
  axes.flags[0] = true;
  const float x[] = {1000, 1000};
  float y;
  ASSERT_TRUE(
      reduce(ReduceKind::kLogSumExp, DType::kFloat32, dims, axes.of(dims), x, &y, pool).ok());
  EXPECT_FLOAT_EQ(y, 1000.0f + std::log(2.0f));
}

TEST(Reduce, BoolMaxIsOr) {
  ThreadPool pool(1);
  const Dims dims = {2, 2};
  Axes axes;
  axes.flags[1] = true;
  const bool x[] = {false, true, false, false};
  bool y[2];
  ASSERT_TRUE(reduce(ReduceKind::kMax, DType::kBool, dims, axes.of(dims), x, y, pool).ok());
  EXPECT_TRUE(y[0] && !y[1]);
  EXPECT_EQ(reduce(ReduceKind::kSum, DType::kBool, dims, axes.of(dims), x, y, pool).message(),
            "ReduceSum of bool is not defined");
}

TEST(ArgExtreme, TakesTheFirstOrLastOfEquals) {
  ThreadPool pool(1);
  const float x[] = {1, 5, 5, 2, 0, 0};  // [2, 3]
  std::int64_t y[2];
  ASSERT_TRUE(arg_extreme(true, DType::kFloat32, 2, 3, 1, false, x, y, pool).ok());
  EXPECT_EQ(y[0], 1);
  EXPECT_EQ(y[1], 0);
  ASSERT_TRUE(arg_extreme(true, DType::kFloat32, 2, 3, 1, true, x, y, pool).ok());
  EXPECT_EQ(y[0], 2);
  ASSERT_TRUE(arg_extreme(false, DType::kFloat32, 2, 3, 1, true, x, y, pool).ok());
  EXPECT_EQ(y[1], 2);
  std::int64_t z[3];  // along the first axis
  ASSERT_TRUE(arg_extreme(false, DType::kFloat32, 1, 2, 3, false, x, z, pool).ok());
  EXPECT_EQ((std::vector<std::int64_t>(z, z + 3)), (std::vector<std::int64_t>{0, 1, 1}));
}

TEST(TopK, SortsAndKeepsTheLowerIndexOfEquals) {
  ThreadPool pool(2);
  const float x[] = {1, 4, 4, 3, 2, 2, 9, 2};  // [2, 4]
  float values[4];
  std::int64_t indices[4];
  std::vector<std::int64_t> scratch(8);
  ASSERT_TRUE(top_k(true, DType::kFloat32, 2, 4, 1, 2, x, values, indices, scratch, pool).ok());
  EXPECT_EQ((std::vector<float>(values, values + 4)), (std::vector<float>{4, 4, 9, 2}));
  EXPECT_EQ((std::vector<std::int64_t>(indices, indices + 4)),
            (std::vector<std::int64_t>{1, 2, 2, 0}));
  EXPECT_EQ(top_k(true, DType::kFloat32, 2, 4, 1, 5, x, values, indices, scratch, pool).message(),
            "TopK with k = 5 over an axis of 4 elements");
}

TEST(CumulativeSum, ExclusiveAndReverse) {
  ThreadPool pool(1);
  const std::int32_t x[] = {1, 2, 3};
  std::int32_t y[3];
  const auto f = [&](bool exclusive, bool reverse) {
    EXPECT_TRUE(cumulative_sum(DType::kInt32, 1, 3, 1, exclusive, reverse, x, y, pool).ok());
    return std::vector<std::int32_t>(y, y + 3);
  };
  EXPECT_EQ(f(false, false), (std::vector<std::int32_t>{1, 3, 6}));
  EXPECT_EQ(f(true, false), (std::vector<std::int32_t>{0, 1, 3}));
  EXPECT_EQ(f(false, true), (std::vector<std::int32_t>{6, 5, 3}));
  EXPECT_EQ(f(true, true), (std::vector<std::int32_t>{5, 3, 0}));
}

}  // namespace
}  // namespace xinfer::kernels
