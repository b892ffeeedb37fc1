// Pooling against the definitions over random shapes, and against ONNX's reference on tricky cases.
#include "kernels/pool/pool.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

#include "kernels/pool/pool_cases.h"

namespace xinfer::kernels {
namespace {

PoolAxis random_axis(std::mt19937& random) {
  PoolAxis axis;
  axis.in = 1 + static_cast<std::int64_t>(random() % 9);
  axis.kernel = 1 + static_cast<std::int64_t>(random() % 4);
  axis.dilation = 1 + static_cast<std::int64_t>(random() % 2);
  axis.stride = 1 + static_cast<std::int64_t>(random() % 3);
  axis.pad_begin = static_cast<std::int64_t>(random()) % axis.kernel;
  axis.pad_end = static_cast<std::int64_t>(random()) % axis.kernel;
  const std::int64_t span =
      axis.in + axis.pad_begin + axis.pad_end - (axis.dilation * (axis.kernel - 1) + 1);
  if (span < 0) {
    axis.kernel = 1;
    axis.pad_begin = axis.pad_end = 0;
    axis.out = (axis.in - 1) / axis.stride + 1;
    return axis;
  }
  const bool ceil_mode = random() % 2;
  axis.out = (span + (ceil_mode ? axis.stride - 1 : 0)) / axis.stride + 1;
  // ONNX: the last window must start inside the input or its leading padding.
  if (ceil_mode && (axis.out - 1) * axis.stride >= axis.in + axis.pad_begin) --axis.out;
  return axis;
}

PoolShape random_shape(std::mt19937& random, int dimensions) {
  PoolShape s;
  s.batch = 1 + static_cast<std::int64_t>(random() % 2);
  const std::int64_t channels[] = {1, 3, 16, 64, 65, 200};
  s.channels = channels[random() % 6];
  s.width = random_axis(random);
  if (dimensions > 1) s.height = random_axis(random);
  if (dimensions > 2) s.depth = random_axis(random);
  s.x_pixel_stride = s.channels + static_cast<std::int64_t>(random() % 2 * 7);
  s.y_pixel_stride = s.channels + static_cast<std::int64_t>(random() % 2 * 9);
  return s;
}

std::vector<char> random_tensor(DType dtype, std::int64_t elements, std::mt19937& random) {
  std::vector<char> bytes(static_cast<std::size_t>(elements) * size_of(dtype));
  if (dtype != DType::kFloat32) {
    for (char& byte : bytes) byte = static_cast<char>(random());
    return bytes;
  }
  std::normal_distribution<float> normal;
  for (std::int64_t i = 0; i < elements; ++i) {
    const float value = normal(random);
    std::memcpy(bytes.data() + 4 * i, &value, 4);
  }
  return bytes;
}

std::size_t y_elements(const PoolShape& s) {
  return static_cast<std::size_t>(s.batch * s.depth.out * s.height.out * s.width.out *
                                  s.y_pixel_stride);
}

std::vector<char> random_input(const PoolShape& s, DType dtype, std::mt19937& random) {
  return random_tensor(dtype, s.batch * s.depth.in * s.height.in * s.width.in * s.x_pixel_stride,
                       random);
}

TEST(Pool, EqualsTheReferenceOverRandomShapes) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  ThreadPool pool(2);
  const DType types[] = {DType::kFloat32, DType::kInt8, DType::kUInt8};
  for (int round = 0; round < 120; ++round) {
    const PoolShape s = random_shape(random, 1 + round % 3);
    AveragePoolParameters p;
    p.x_dtype = types[random() % 3];
    p.y_dtype = p.x_dtype == DType::kFloat32 ? DType::kFloat32 : types[random() % 3];
    p.x_scale = 0.02f;
    p.y_scale = 0.017f;
    p.count_include_pad = random() % 2;
    const std::vector<char> x = random_input(s, p.x_dtype, random);
    const std::vector<char> blank_max(y_elements(s) * size_of(p.x_dtype), 'g');
    const std::vector<char> blank_average(y_elements(s) * size_of(p.y_dtype), 'g');
    std::vector<char> expected_max = blank_max, expected_average = blank_average;
    max_pool_reference(s, p.x_dtype, x.data(), expected_max.data());
    average_pool_reference(s, p, x.data(), expected_average.data());
    for (CpuIsa isa : supported_isas()) {
      std::vector<char> y = blank_max;
      ASSERT_TRUE(max_pool(s, p.x_dtype, x.data(), y.data(), isa, pool).ok());
      ASSERT_EQ(y, expected_max) << "round " << round << " " << to_string(isa);
      y = blank_average;
      ASSERT_TRUE(average_pool(s, p, x.data(), y.data(), isa, pool).ok());
      ASSERT_EQ(y, expected_average) << "round " << round << " " << to_string(isa);
    }
    std::vector<char> y = blank_max;
    std::vector<std::int64_t> indices(y_elements(s));
    ASSERT_TRUE(
        max_pool_with_indices(s, p.x_dtype, x.data(), y.data(), indices.data(), false, pool).ok());
    ASSERT_EQ(y, expected_max);
  }
}

TEST(Pool, SharesALargeImage) {
  ThreadPool pool(2);
  PoolShape s{.batch = 1, .channels = 70};
  s.height = s.width = {50, 50, 3, 1, 1, 1, 1};
  s.x_pixel_stride = s.y_pixel_stride = 70;
  std::mt19937 random(2);
  const std::vector<char> x = random_input(s, DType::kInt8, random);
  std::vector<char> expected(y_elements(s)), y(y_elements(s));
  max_pool_reference(s, DType::kInt8, x.data(), expected.data());
  for (CpuIsa isa : supported_isas()) {
    ASSERT_TRUE(max_pool(s, DType::kInt8, x.data(), y.data(), isa, pool).ok());
    EXPECT_EQ(y, expected);
  }
}

TEST(Pool, GlobalAverageOfManyChannelsIsSharedAndExact) {
  ThreadPool pool(2);
  PoolShape s{.batch = 1, .channels = 1000};
  s.height = {.in = 7, .out = 1, .kernel = 7};
  s.width = {.in = 7, .out = 1, .kernel = 7};
  s.x_pixel_stride = s.y_pixel_stride = 1000;
  std::mt19937 random(1);
  const std::vector<char> x = random_input(s, DType::kUInt8, random);
  AveragePoolParameters p;
  p.x_dtype = DType::kUInt8;
  p.y_dtype = DType::kUInt8;
  std::vector<std::uint8_t> expected(1000), y(1000);
  average_pool_reference(s, p, x.data(), expected.data());
  for (CpuIsa isa : supported_isas()) {
    ASSERT_TRUE(average_pool(s, p, x.data(), y.data(), isa, pool).ok());
    EXPECT_EQ(y, expected);
  }
}

TEST(MaxPool, IndicesAreFlattenedNchw) {
  // Two channels of a 3 x 3 image, NHWC; channel 1 is channel 0 reversed.
  std::vector<float> x;
  for (int i = 0; i < 9; ++i) {
    x.push_back(static_cast<float>(i));
    x.push_back(static_cast<float>(8 - i));
  }
  PoolShape s{.batch = 1, .channels = 2};
  s.height = {.in = 3, .out = 2, .kernel = 2};
  s.width = {.in = 3, .out = 2, .kernel = 2};
  s.x_pixel_stride = s.y_pixel_stride = 2;
  ThreadPool pool(1);
  float y[8];
  std::int64_t indices[8];
  ASSERT_TRUE(max_pool_with_indices(s, DType::kFloat32, x.data(), y, indices, false, pool).ok());
  EXPECT_EQ(std::vector<std::int64_t>(indices, indices + 8),
            (std::vector<std::int64_t>{4, 9, 5, 10, 7, 12, 8, 13}));
  ASSERT_TRUE(max_pool_with_indices(s, DType::kFloat32, x.data(), y, indices, true, pool).ok());
  EXPECT_EQ(indices[0], 4);
  EXPECT_EQ(indices[2], 7);  // row 1, column 2: 2 * 3 + 1
}

class PoolLine : public testing::TestWithParam<PoolCase> {};

TEST_P(PoolLine, GivesOnnxsValues) {
  const PoolCase& c = GetParam();
  const float x[] = {3, -1, 4, 1, 5, -9, 2, 6};
  PoolShape s;
  s.width = {8,          static_cast<std::int64_t>(c.expected.size()),
             c.kernel,   c.stride,
             c.dilation, c.pad_begin,
             c.pad_end};
  ThreadPool pool(1);
  for (CpuIsa isa : supported_isas()) {
    std::vector<float> y(c.expected.size());
    if (c.average) {
      AveragePoolParameters p;
      p.count_include_pad = c.count_include_pad;
      ASSERT_TRUE(average_pool(s, p, x, y.data(), isa, pool).ok());
    } else {
      ASSERT_TRUE(max_pool(s, DType::kFloat32, x, y.data(), isa, pool).ok());
    }
    // 7 printed digits of values below 10.
    for (std::size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(y[i], c.expected[i], 1e-6);
  }
}

INSTANTIATE_TEST_SUITE_P(Onnx, PoolLine, testing::ValuesIn(kPoolCases));

TEST(LpPool, GivesTheNorm) {
  const float x[] = {3, -4, 0, 1};
  PoolShape s;
  s.width = {.in = 4, .out = 2, .kernel = 2, .stride = 2};
  ThreadPool pool(1);
  float y[2];
  for (CpuIsa isa : supported_isas()) {
    ASSERT_TRUE(lp_pool(s, 2, x, y, isa, pool).ok());
    EXPECT_EQ(y[0], 5.0f);
    ASSERT_TRUE(lp_pool(s, 1, x, y, isa, pool).ok());
    EXPECT_EQ(y[0], 7.0f);
    EXPECT_EQ(y[1], 1.0f);
  }
  EXPECT_EQ(lp_pool(s, 3, x, y, best_isa(), pool).message(),
            "Lp pooling with p = 3; supported: 1, 2");
}

}  // namespace
}  // namespace xinfer::kernels
