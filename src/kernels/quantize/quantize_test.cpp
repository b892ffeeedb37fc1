// Every conversion loop, layout and stride against the formulas, by equality.
#include "kernels/quantize/quantize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

namespace xinfer::kernels {
namespace {

std::vector<char> random_tensor(DType dtype, std::int64_t elements, std::mt19937& random) {
  std::vector<char> bytes(static_cast<std::size_t>(elements) * size_of(dtype));
  if (dtype != DType::kFloat32) {
    for (char& byte : bytes) byte = static_cast<char>(random());
    return bytes;
  }
  std::uniform_real_distribution<float> uniform(-40.0f, 40.0f);
  for (std::int64_t i = 0; i < elements; ++i) {
    // Every third value is an exact tie of the scale 0.25.
    const float value =
        i % 3 == 0 ? (static_cast<float>(random() % 300) - 150.5f) * 0.25f : uniform(random);
    std::memcpy(bytes.data() + i * 4, &value, 4);
  }
  return bytes;
}

std::int64_t elements_of(const ConvertShape& s, ChannelOrder order, std::int64_t stride) {
  return s.batch * s.pixels * (order == ChannelOrder::kPlanar ? s.channels : stride);
}

TEST(Convert, EveryLayoutAndInstructionSetEqualsTheReference) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  const DType types[] = {DType::kFloat32, DType::kInt8, DType::kUInt8};
  const ChannelOrder orders[] = {ChannelOrder::kInnermost, ChannelOrder::kPlanar};
  const std::int64_t sizes[][2] = {{1, 1},    {5, 3},   {64, 64},  {70, 17},
                                   {33, 130}, {257, 4}, {2100, 33}};
  ThreadPool pool(2);
  for (const auto& size : sizes) {
    for (DType x_dtype : types) {
      for (DType y_dtype : types) {
        for (int mode = 0; mode < 8; ++mode) {
          ConvertShape s{.batch = 2, .pixels = size[0], .channels = size[1]};
          s.x_order = orders[mode & 1];
          s.y_order = orders[mode >> 1 & 1];
          s.x_pixel_stride = s.channels + (mode & 4 ? 3 : 0);
          s.y_pixel_stride = s.channels + (mode & 4 ? 5 : 0);
          const std::vector<char> x =
              random_tensor(x_dtype, elements_of(s, s.x_order, s.x_pixel_stride), random);
          std::vector<char> expected(
              static_cast<std::size_t>(elements_of(s, s.y_order, s.y_pixel_stride)) *
                  size_of(y_dtype),
              'g');
          const std::vector<char> blank = expected;
          convert_reference(s, x_dtype, x.data(), y_dtype, expected.data(), 0.25f);
          for (CpuIsa isa : supported_isas()) {
            std::vector<char> y = blank;
            ASSERT_TRUE(convert(s, x_dtype, x.data(), y_dtype, y.data(), 0.25f, isa, pool).ok());
            ASSERT_EQ(y, expected)
                << to_string(x_dtype) << " -> " << to_string(y_dtype) << ", " << size[0] << " x "
                << size[1] << ", mode " << mode << ", " << to_string(isa);
          }
        }
      }
    }
  }
}

TEST(Convert, SaturatesAndRoundsHalfToEven) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  const float x[] = {0.5f, 1.5f, -0.5f, -1.5f, 1e30f, -1e30f, kInf, -kInf, std::nanf("")};
  const std::int8_t expected[] = {0, 2, 0, -2, 127, -128, 127, -128, -128};
  for (CpuIsa isa : supported_isas()) {
    std::int8_t y[9];
    convert_loop(DType::kFloat32, DType::kInt8, isa)(x, y, 9, 1.0f);
    for (int i = 0; i < 9; ++i) EXPECT_EQ(y[i], expected[i]) << x[i] << " " << to_string(isa);
  }
}

TEST(Convert, DividesExactlyNextToTheMiddleBetweenTwoIntegers) {
  // Where a product with the reciprocal could round to the other side.
  ThreadPool pool(2);
  for (const float scale : {0.1f, 0.0078431f, 3.7f, 1e-30f, 1e-38f, 1e-44f, 3e38f}) {
    std::vector<float> x;
    for (int step = -140; step < 270; ++step) {
      const auto middle = static_cast<float>((step + 0.5) * static_cast<double>(scale));
      float low = middle, high = middle;
      for (int ulp = 0; ulp < 4; ++ulp) {
        x.insert(x.end(), {low, high, static_cast<float>(step) * scale});
        low = std::nextafter(low, -INFINITY);
        high = std::nextafter(high, INFINITY);
      }
    }
    for (CpuIsa isa : supported_isas()) {
      ConvertShape shape;
      shape.pixels = static_cast<std::int64_t>(x.size());
      shape.channels = shape.x_pixel_stride = shape.y_pixel_stride = 1;
      std::vector<std::int8_t> y(x.size());
      ASSERT_TRUE(
          convert(shape, DType::kFloat32, x.data(), DType::kInt8, y.data(), scale, isa, pool).ok());
      for (std::size_t i = 0; i < x.size(); ++i) {
        const float quotient = x[i] / scale;
        const float clamped = std::min(std::max(quotient, -128.0f), 127.0f);
        ASSERT_EQ(y[i], static_cast<std::int8_t>(std::nearbyint(clamped)))
            << x[i] << " / " << scale << " on " << to_string(isa);
      }
    }
  }
}

TEST(Convert, RefusesOtherTypes) {
  ThreadPool pool(1);
  float x = 0;
  const Status status = convert({}, DType::kFloat32, &x, DType::kInt64, &x, 1, best_isa(), pool);
  EXPECT_EQ(status.message(), "conversion from float32 to int64; supported: float32, int8, uint8");
}

TEST(Convert, QuantiseThenDequantiseStaysWithinHalfAScale) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  const float scale = 0.03f;
  std::uniform_real_distribution<float> uniform(-127 * scale, 127 * scale);
  for (int i = 0; i < 10000; ++i) {
    const float x = uniform(random);
    std::int8_t q;
    float back;
    convert_loop(DType::kFloat32, DType::kInt8, best_isa())(&x, &q, 1, scale);
    convert_loop(DType::kInt8, DType::kFloat32, best_isa())(&q, &back, 1, scale);
    // Rounding of x / scale and of q * scale: one part in 2^23 of 127 steps.
    ASSERT_LE(std::fabs(back - x), scale * (0.5f + 127.0f / 8388608.0f));
  }
}

TEST(ConvertImage, FoldsMeanAndDeviationIntoTables) {
  const double mean[] = {0.485, 0.456, 0.406};
  const double deviation[] = {0.229, 0.224, 0.225};
  ThreadPool pool(2);
  std::vector<std::uint8_t> x(2 * 5 * 3);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<std::uint8_t>(11 * i);
  for (std::int64_t channels : {2, 3}) {
    std::vector<std::int8_t> tables(static_cast<std::size_t>(channels) * 256);
    make_image_tables(channels, 1.0 / 255, mean, deviation, DType::kInt8, 0.02f, tables.data());
    ConvertShape s{.batch = 2, .pixels = 5, .channels = channels};
    s.x_order = ChannelOrder::kInnermost;
    s.x_pixel_stride = channels;
    s.y_order = ChannelOrder::kPlanar;
    std::vector<std::int8_t> y(static_cast<std::size_t>(10 * channels));
    ASSERT_TRUE(convert_image(s, x.data(), DType::kInt8, y.data(), tables.data(), pool).ok());
    for (std::int64_t i = 0; i < 10 * channels; ++i) {
      const std::int64_t n = i / (5 * channels), p = i / channels % 5, c = i % channels;
      const double value =
          (x[static_cast<std::size_t>(i)] / 255.0 - mean[c]) / deviation[c] / 0.02f;
      const double clamped = std::fmin(std::fmax(value, -128.0), 127.0);
      ASSERT_EQ(y[static_cast<std::size_t>((n * channels + c) * 5 + p)],
                static_cast<int>(std::nearbyint(clamped)));
    }
  }
  std::vector<float> float_tables(2 * 256);
  make_image_tables(2, 1.0 / 255, mean, deviation, DType::kFloat32, 0, float_tables.data());
  EXPECT_FLOAT_EQ(float_tables[256 + 255], static_cast<float>((1 - 0.456) / 0.224));
}

}  // namespace
}  // namespace xinfer::kernels
