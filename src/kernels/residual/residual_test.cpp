// INT8 addition and multiplication against the formulas, by equality.
#include "kernels/residual/residual.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace xinfer::kernels {
namespace {

std::vector<char> random_bytes(std::int64_t count, std::mt19937& random) {
  std::vector<char> bytes(static_cast<std::size_t>(count));
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

void check(const ResidualShape& s, std::mt19937& random) {
  ThreadPool pool(2);
  const std::vector<char> a = random_bytes(s.batch * s.pixels * s.a_pixel_stride, random);
  const std::vector<char> b = random_bytes(s.batch * s.pixels * s.channels * 2, random);
  for (int mode = 0; mode < 24; ++mode) {
    ResidualParameters p;
    p.op = mode & 1 ? ResidualOp::kMultiply : ResidualOp::kAdd;
    p.a_dtype = mode & 2 ? DType::kUInt8 : DType::kInt8;
    p.b_dtype = mode & 4 ? DType::kUInt8 : DType::kInt8;
    const DType outputs[] = {DType::kInt8, DType::kUInt8, DType::kFloat32};
    p.y_dtype = outputs[mode / 8];
    // 0.5 makes ties frequent.
    p.a_factor = mode & 1 ? 0.015625f : 0.5f;
    p.b_factor = 0.73f;
    if (random() % 2) {
      p.clip_low = 0.0f;
      p.clip_high = 101.4f;
    }
    const auto y_size = static_cast<std::size_t>(s.batch * s.pixels * s.y_pixel_stride);
    std::vector<char> expected(y_size * size_of(p.y_dtype), 'g');
    const std::vector<char> blank = expected;
    residual_reference(s, p, a.data(), b.data(), expected.data());
    for (CpuIsa isa : supported_isas()) {
      std::vector<char> y = blank;
      ASSERT_TRUE(residual(s, p, a.data(), b.data(), y.data(), isa, pool).ok());
      ASSERT_EQ(y, expected) << "mode " << mode << " " << to_string(isa);
    }
  }
}

TEST(Residual, EqualsTheReferenceForEveryTypeStrideAndBroadcast) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (std::int64_t channels : {1, 3, 16, 67, 256}) {
    for (std::int64_t gap : {0, 5}) {
      ResidualShape s{.batch = 2, .pixels = 9, .channels = channels};
      s.a_pixel_stride = channels + gap;
      s.y_pixel_stride = channels + gap;
      s.b_pixel_stride = channels;
      s.b_batch_stride = 9 * channels;
      check(s, random);
      s.b_pixel_stride = 0;  // squeeze and excite
      s.b_batch_stride = channels;
      check(s, random);
      s.b_batch_stride = 0;  // a constant row
      check(s, random);
    }
  }
}

TEST(Residual, SharesALargeTensor) {
  std::mt19937 random(5);
  ResidualShape s{.batch = 2, .pixels = 170, .channels = 450};
  s.a_pixel_stride = s.b_pixel_stride = s.y_pixel_stride = 450;
  s.b_batch_stride = 170 * 450;
  check(s, random);  // one run
  s.y_pixel_stride = 460;
  check(s, random);  // rows
}

TEST(Residual, WorksInPlace) {
  ThreadPool pool(1);
  ResidualShape s{.batch = 1, .pixels = 50, .channels = 4};
  s.a_pixel_stride = s.b_pixel_stride = s.y_pixel_stride = 4;
  ResidualParameters p;
  std::vector<std::int8_t> a(200), b(200), expected(200);
  for (int i = 0; i < 200; ++i) {
    a[static_cast<std::size_t>(i)] = static_cast<std::int8_t>(i);
    b[static_cast<std::size_t>(i)] = static_cast<std::int8_t>(3 * i);
  }
  residual_reference(s, p, a.data(), b.data(), expected.data());
  for (CpuIsa isa : supported_isas()) {
    std::vector<std::int8_t> y = b;
    ASSERT_TRUE(residual(s, p, a.data(), y.data(), y.data(), isa, pool).ok());
    EXPECT_EQ(y, expected);
  }
}

TEST(Residual, RefusesFloatInputs) {
  ThreadPool pool(1);
  ResidualParameters p;
  p.b_dtype = DType::kFloat32;
  EXPECT_EQ(residual({}, p, nullptr, nullptr, nullptr, best_isa(), pool).message(),
            "INT8 addition of int8 and float32 to int8; supported: int8 and uint8 to int8, uint8, "
            "float32");
}

}  // namespace
}  // namespace xinfer::kernels
