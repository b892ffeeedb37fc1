// Movements against index arithmetic, and against ONNX's semantics on small literal cases.
#include "kernels/movement/movement.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <random>
#include <vector>

namespace xinfer::kernels {
namespace {

using Dims = std::vector<std::int64_t>;

std::int64_t count_of(const Dims& dims) {
  return std::accumulate(dims.begin(), dims.end(), std::int64_t{1}, std::multiplies<>());
}

template <typename T>
std::vector<T> iota(std::int64_t n) {
  std::vector<T> values(static_cast<std::size_t>(n));
  std::iota(values.begin(), values.end(), T{0});
  return values;
}

template <typename T>
void check_transpose(const Dims& dims, const std::vector<int>& permutation, ThreadPool& pool) {
  const std::vector<T> x = iota<T>(count_of(dims));
  std::vector<T> y(x.size());
  transpose(sizeof(T), dims, permutation, x.data(), y.data(), pool);
  const int rank = static_cast<int>(dims.size());
  Dims y_dims;
  for (int p : permutation) y_dims.push_back(dims[static_cast<std::size_t>(p)]);
  std::int64_t x_strides[kMaxRank];
  dense_strides(rank, dims.data(), x_strides);
  for (std::size_t i = 0; i < y.size(); ++i) {
    auto rest = static_cast<std::int64_t>(i);
    std::int64_t at = 0;
    for (int d = rank - 1; d >= 0; --d) {
      at += rest % y_dims[static_cast<std::size_t>(d)] *
            x_strides[permutation[static_cast<std::size_t>(d)]];
      rest /= y_dims[static_cast<std::size_t>(d)];
    }
    ASSERT_EQ(y[i], x[static_cast<std::size_t>(at)]) << "element " << i;
  }
}

TEST(Transpose, AnyPermutationOfAnyElementSize) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  ThreadPool pool(2);
  for (int round = 0; round < 300; ++round) {
    const int rank = 1 + static_cast<int>(random() % 6);
    Dims dims;
    for (int d = 0; d < rank; ++d) {
      dims.push_back(1 + static_cast<std::int64_t>(random() % (rank < 4 ? 40 : 7)));
    }
    std::vector<int> permutation(static_cast<std::size_t>(rank));
    std::iota(permutation.begin(), permutation.end(), 0);
    std::shuffle(permutation.begin(), permutation.end(), random);
    check_transpose<std::uint8_t>(dims, permutation, pool);
    check_transpose<std::uint16_t>(dims, permutation, pool);
    check_transpose<std::uint32_t>(dims, permutation, pool);
    check_transpose<std::uint64_t>(dims, permutation, pool);
  }
  check_transpose<std::uint32_t>({2, 130, 67}, {0, 2, 1}, pool);
  check_transpose<std::uint8_t>({2, 130, 67}, {0, 2, 1}, pool);
  check_transpose<std::uint32_t>({4, 300, 150}, {0, 2, 1}, pool);
  check_transpose<std::uint64_t>({40, 30, 150}, {1, 0, 2}, pool);
  check_transpose<float>({2, 1, 2, 1, 2, 3, 2, 2}, {7, 0, 6, 1, 5, 2, 4, 3}, pool);
}

TEST(Slice, TakesNegativeSteps) {
  ThreadPool pool(2);
  const std::vector<float> x = iota<float>(20);  // [4, 5]
  std::vector<float> y(4);
  const Dims dims = {4, 5}, starts = {3, 4}, steps = {-2, -3}, out = {2, 2};
  slice(4, dims, starts, steps, out, 2, x.data(), y.data(), pool);
  EXPECT_EQ(y, (std::vector<float>{19, 16, 9, 6}));
}

TEST(Slice, WritesBetweenOtherChannels) {
  ThreadPool pool(2);
  const std::vector<std::uint8_t> x = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  std::vector<std::uint8_t> y(8, 0);
  const Dims dims = {1, 4, 3}, starts = {0, 1, 1}, steps = {1, 2, 1}, out = {1, 2, 2};
  slice(1, dims, starts, steps, out, 4, x.data(), y.data(), pool);
  EXPECT_EQ(y, (std::vector<std::uint8_t>{5, 6, 0, 0, 11, 12, 0, 0}));
}

TEST(CopyBlocks, OfEveryLength) {
  ThreadPool pool(2);
  for (std::int64_t bytes = 1; bytes <= 80; ++bytes) {
    const std::int64_t x_stride = bytes + bytes % 3, y_stride = bytes + 5, count = 9;
    const std::vector<std::uint8_t> x = iota<std::uint8_t>(count * x_stride);
    std::vector<std::uint8_t> y(static_cast<std::size_t>(count * y_stride), 255);
    copy_blocks(count, bytes, x.data(), x_stride, y.data(), y_stride, pool);
    for (std::int64_t i = 0; i < count * y_stride; ++i) {
      const std::int64_t block = i / y_stride, at = i % y_stride;
      const std::uint8_t expected =
          at < bytes ? x[static_cast<std::size_t>(block * x_stride + at)] : std::uint8_t{255};
      ASSERT_EQ(y[static_cast<std::size_t>(i)], expected) << bytes << " bytes, byte " << i;
    }
  }
}

TEST(Expand, RepeatsDimensionsOfOne) {
  ThreadPool pool(1);
  const std::vector<std::int64_t> x = {1, 2};
  std::vector<std::int64_t> y(12);
  const Dims from = {1, 2, 1}, to = {2, 2, 3};
  expand(8, from, to, x.data(), y.data(), pool);
  EXPECT_EQ(y, (std::vector<std::int64_t>{1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2}));
}

TEST(Tile, RepeatsEveryDimension) {
  ThreadPool pool(2);
  const std::vector<std::uint8_t> x = {1, 2, 3, 4};
  std::vector<std::uint8_t> y(24);
  const Dims dims = {2, 2}, repeats = {3, 2};
  tile(1, dims, repeats, x.data(), y.data(), pool);
  EXPECT_EQ(y, (std::vector<std::uint8_t>{1, 2, 1, 2, 3, 4, 3, 4, 1, 2, 1, 2,
                                          3, 4, 3, 4, 1, 2, 1, 2, 3, 4, 3, 4}));
}

std::vector<float> padded(PadMode mode, const Dims& dims, const Dims& begins, const Dims& ends,
                          const std::vector<float>& x) {
  ThreadPool pool(2);
  std::int64_t total = 1;
  for (std::size_t d = 0; d < dims.size(); ++d) total *= begins[d] + dims[d] + ends[d];
  std::vector<float> y(static_cast<std::size_t>(total));
  const float value = 9;
  pad(4, mode, dims, begins, ends, &value, x.data(), y.data(), pool);
  return y;
}

// Expected values from numpy.pad, on which ONNX defines Pad.
TEST(Pad, EveryMode) {
  const std::vector<float> x = {0, 1, 2, 3};
  EXPECT_EQ(padded(PadMode::kConstant, {4}, {2}, {1}, x),
            (std::vector<float>{9, 9, 0, 1, 2, 3, 9}));
  EXPECT_EQ(padded(PadMode::kEdge, {4}, {2}, {1}, x), (std::vector<float>{0, 0, 0, 1, 2, 3, 3}));
  EXPECT_EQ(padded(PadMode::kReflect, {4}, {3}, {2}, x),
            (std::vector<float>{3, 2, 1, 0, 1, 2, 3, 2, 1}));
  EXPECT_EQ(padded(PadMode::kWrap, {4}, {3}, {2}, x),
            (std::vector<float>{1, 2, 3, 0, 1, 2, 3, 0, 1}));
  EXPECT_EQ(padded(PadMode::kReflect, {2}, {3}, {3}, {5, 6}),
            (std::vector<float>{6, 5, 6, 5, 6, 5, 6, 5}));
}

TEST(Pad, NegativePadsCrop) {
  const std::vector<float> x = iota<float>(9);  // [3, 3]
  EXPECT_EQ(padded(PadMode::kConstant, {3, 3}, {-1, 1}, {0, -2}, x),
            (std::vector<float>{9, 3, 9, 6}));
}

TEST(Pad, TwoDimensions) {
  const std::vector<float> x = {1, 2, 3, 4};  // [2, 2]
  EXPECT_EQ(padded(PadMode::kConstant, {2, 2}, {1, 0}, {0, 1}, x),
            (std::vector<float>{9, 9, 9, 1, 2, 9, 3, 4, 9}));
  EXPECT_EQ(padded(PadMode::kReflect, {2, 2}, {1, 1}, {0, 0}, x),
            (std::vector<float>{4, 3, 4, 2, 1, 2, 4, 3, 4}));
}

TEST(Gather, CountsNegativeIndicesFromTheEnd) {
  ThreadPool pool(2);
  const std::vector<float> x = iota<float>(12);  // [2, 3, 2]
  const std::int32_t indices[] = {-1, 0};
  std::vector<float> y(8);
  ASSERT_TRUE(gather(4, 2, 3, 2, 2, indices, x.data(), y.data(), pool).ok());
  EXPECT_EQ(y, (std::vector<float>{4, 5, 0, 1, 10, 11, 6, 7}));
  const std::int64_t bad[] = {0, 3};
  EXPECT_EQ(gather(4, 2, 3, 2, 2, bad, x.data(), y.data(), pool).message(),
            "gather index 3 at position 1 is outside [-3, 3)");
}

TEST(GatherElements, ReplacesOneCoordinate) {
  const std::vector<float> x = {1, 2, 3, 4};
  const std::int64_t indices[] = {0, 0, 1, -2};
  std::vector<float> y(4);
  const Dims dims = {2, 2};
  ASSERT_TRUE(gather_elements(4, 1, dims, dims, indices, x.data(), y.data()).ok());
  EXPECT_EQ(y, (std::vector<float>{1, 1, 4, 3}));
}

TEST(CopyBlocks, WritesIntoASlice) {
  ThreadPool pool(2);
  const std::vector<std::uint8_t> x = {1, 2, 3, 4};
  std::vector<std::uint8_t> y(10, 7);
  copy_blocks(2, 2, x.data(), 2, y.data() + 1, 5, pool);
  EXPECT_EQ(y, (std::vector<std::uint8_t>{7, 1, 2, 7, 7, 7, 3, 4, 7, 7}));
}

}  // namespace
}  // namespace xinfer::kernels
