// Resize against ONNX's reference values, over several dimensions, and INT8 against the formula.
#include "kernels/resize/resize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "kernels/resize/resize_cases.h"

namespace xinfer::kernels {
namespace {

class ResizeLine : public testing::TestWithParam<resize_cases::ResizeCase> {};

TEST_P(ResizeLine, GivesOnnxsValues) {
  const resize_cases::ResizeCase& c = GetParam();
  const float x[] = {3, -1, 4, 1, 5};
  const auto out = static_cast<std::int64_t>(c.expected.size());
  const ResizeAxis axis{5, out, c.scale, 0.2f, 1.1f};
  ResizeParameters p;
  p.mode = c.mode;
  p.coordinates = c.coordinates;
  p.nearest = c.nearest;
  p.antialias = c.antialias;
  p.exclude_outside = c.exclude_outside;
  p.extrapolation_value = 9;
  p.cubic_coefficient = c.exclude_outside ? -0.5 : -0.75;
  ThreadPool pool(1);
  for (CpuIsa isa : supported_isas()) {
    std::vector<float> y(c.expected.size());
    auto resize = make_resize({&axis, 1}, p, isa).value();
    resize->run(x, y.data(), pool);
    for (std::size_t i = 0; i < y.size(); ++i) {
      // At most 14 taps: 16 roundings of sums below 8, and 7 printed digits.
      ASSERT_NEAR(y[i], c.expected[i], 16 * 8 * std::ldexp(1.0, -24) + 5e-6) << "output " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Onnx, ResizeLine, testing::ValuesIn(resize_cases::kResizeCases));

std::vector<ResizeAxis> nhwc_axes(std::int64_t channels) {
  return {{2, 2}, {5, 8, 8.0 / 5}, {7, 4, 4.0 / 7}, {channels, channels}};
}

std::int64_t size_of_axes(const std::vector<ResizeAxis>& axes, bool out) {
  std::int64_t size = 1;
  for (const ResizeAxis& axis : axes) size *= out ? axis.out : axis.in;
  return size;
}

/// One output element of a separable half_pixel linear resize of dimensions 1 and 2, in double.
template <typename T>
double bilinear(const std::vector<ResizeAxis>& axes, const std::vector<T>& x, std::int64_t n,
                std::int64_t h, std::int64_t w, std::int64_t c) {
  double sum = 0;
  const double y0 = (static_cast<double>(h) + 0.5) / axes[1].scale - 0.5;
  const double x0 = (static_cast<double>(w) + 0.5) / axes[2].scale - 0.5;
  for (int i = 0; i < 2; ++i) {
    for (int j = 0; j < 2; ++j) {
      const double row = std::floor(y0) + i, column = std::floor(x0) + j;
      const double weight = (1 - std::fabs(y0 - row)) * (1 - std::fabs(x0 - column));
      const auto r = std::clamp<std::int64_t>(static_cast<std::int64_t>(row), 0, axes[1].in - 1);
      const auto k = std::clamp<std::int64_t>(static_cast<std::int64_t>(column), 0, axes[2].in - 1);
      const std::int64_t at = ((n * axes[1].in + r) * axes[2].in + k) * axes[3].in + c;
      sum += weight * static_cast<double>(x[static_cast<std::size_t>(at)]);
    }
  }
  return sum;
}

TEST(Resize, BilinearNhwcInFloatAndInt8) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  ThreadPool pool(2);
  for (std::int64_t channels : {1, 3, 64, 130}) {
    const std::vector<ResizeAxis> axes = nhwc_axes(channels);
    std::vector<std::int8_t> q(static_cast<std::size_t>(size_of_axes(axes, false)));
    for (auto& value : q) value = static_cast<std::int8_t>(random());
    const std::vector<float> x(q.begin(), q.end());
    ResizeParameters p;
    p.mode = ResizeMode::kLinear;
    std::vector<float> first;
    std::vector<std::uint8_t> first_u8;
    for (CpuIsa isa : supported_isas()) {
      std::vector<float> y(static_cast<std::size_t>(size_of_axes(axes, true)));
      make_resize(axes, p, isa).value()->run(x.data(), y.data(), pool);
      std::size_t at = 0;
      for (std::int64_t n = 0; n < 2; ++n) {
        for (std::int64_t h = 0; h < 8; ++h) {
          for (std::int64_t w = 0; w < 4; ++w) {
            for (std::int64_t c = 0; c < channels; ++c, ++at) {
              // Four weights and sums of values up to 128.
              ASSERT_NEAR(y[at], bilinear(axes, q, n, h, w, c), 8 * 128 * std::ldexp(1.0, -24));
            }
          }
        }
      }
      if (first.empty()) first = y;
      ASSERT_EQ(first, y) << to_string(isa);
      ResizeParameters int8 = p;
      int8.x_dtype = DType::kInt8;
      int8.y_dtype = DType::kUInt8;
      int8.factor = 1.7f;
      std::vector<std::uint8_t> z(y.size());
      make_resize(axes, int8, isa).value()->run(q.data(), z.data(), pool);
      for (std::size_t i = 0; i < y.size(); ++i) {
        const float scaled = std::fmin(std::fmax(y[i] * 1.7f, 0.0f), 255.0f);
        ASSERT_EQ(z[i], static_cast<int>(std::nearbyint(scaled)));
      }
    }
  }
}

TEST(Resize, DoesNotDependOnThreads) {
  std::mt19937 random(3);
  const std::vector<ResizeAxis> axes = {{1, 1}, {40, 80, 2.0}, {40, 80, 2.0}, {90, 90}};
  std::vector<std::uint8_t> x(40 * 40 * 90);
  for (auto& value : x) value = static_cast<std::uint8_t>(random());
  for (ResizeMode mode : {ResizeMode::kNearest, ResizeMode::kLinear, ResizeMode::kCubic}) {
    ResizeParameters p;
    p.mode = mode;
    p.x_dtype = p.y_dtype = DType::kUInt8;
    std::vector<std::uint8_t> one(80 * 80 * 90), two(one.size());
    ThreadPool single(1), pair(2);
    const auto resize = make_resize(axes, p, best_isa()).value();
    resize->run(x.data(), one.data(), single);
    resize->run(x.data(), two.data(), pair);
    EXPECT_EQ(one, two);
  }
}

TEST(Resize, NearestMovesElementsOfAnyType) {
  ThreadPool pool(2);
  // [2, 2, 3] doubled and tripled along the first two dimensions.
  const std::vector<ResizeAxis> axes = {{2, 4, 2.0}, {2, 6, 3.0}, {3, 3}};
  std::vector<std::int16_t> x(12);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<std::int16_t>(i);
  ResizeParameters p;
  p.coordinates = CoordinateMode::kAsymmetric;
  p.nearest = NearestMode::kFloor;
  p.x_dtype = p.y_dtype = DType::kInt16;
  std::vector<std::int16_t> y(72);
  make_resize(axes, p, best_isa()).value()->run(x.data(), y.data(), pool);
  for (int h = 0; h < 4; ++h) {
    for (int w = 0; w < 6; ++w) {
      for (int c = 0; c < 3; ++c) {
        ASSERT_EQ(y[static_cast<std::size_t>((h * 6 + w) * 3 + c)], (h / 2 * 2 + w / 3) * 3 + c);
      }
    }
  }
}

TEST(Resize, CropsAndExtrapolatesTwoDimensions) {
  // TensorFlow's crop of the box [-0.5, 1] x [0, 1] of a 2 x 2 image to 3 x 2.
  ThreadPool pool(1);
  const std::vector<ResizeAxis> axes = {{2, 3, 1.5, -0.5, 1.0}, {2, 2, 1.0, 0.0, 1.0}};
  const std::vector<float> x = {1, 2, 3, 4};
  ResizeParameters p;
  p.mode = ResizeMode::kLinear;
  p.coordinates = CoordinateMode::kTfCropAndResize;
  p.extrapolation_value = 7;
  std::vector<float> y(6);
  make_resize(axes, p, best_isa()).value()->run(x.data(), y.data(), pool);
  EXPECT_EQ(y, (std::vector<float>{7, 7, 1.5f, 2.5f, 3, 4}));
  p.mode = ResizeMode::kNearest;
  make_resize(axes, p, best_isa()).value()->run(x.data(), y.data(), pool);
  EXPECT_EQ(y, (std::vector<float>{7, 7, 1, 2, 3, 4}));
}

TEST(Resize, RefusesWhatItCannotDo) {
  const ResizeAxis axis{2, 4, 2.0};
  ResizeParameters p;
  p.mode = ResizeMode::kLinear;
  p.x_dtype = DType::kInt64;
  EXPECT_EQ(make_resize({&axis, 1}, p, best_isa()).status().message(),
            "linear Resize from int64 to float32; supported: float32 to float32, int8 and uint8 to "
            "int8, uint8, float32");
  const ResizeAxis broken{2, 4, 0.0};
  EXPECT_EQ(make_resize({&broken, 1}, {}, best_isa()).status().message(),
            "Resize with scale 0 along dimension 0; it must be positive");
}

}  // namespace
}  // namespace xinfer::kernels
