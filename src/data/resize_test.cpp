#include "data/resize.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "data/decode.h"
#include "data/testdata.h"
#include "data/transforms.h"

namespace xinfer {
namespace {

Image noise(int width, int height, int channels, unsigned seed) {
  std::mt19937 random(seed);
  Image image(width, height, channels);
  for (std::uint8_t& pixel : image.pixels) pixel = static_cast<std::uint8_t>(random());
  return image;
}

TEST(Resize, EqualsPillow) {
  const Image photo = read_image(testdata_path("photo.png")).value();
  int compared = 0;
  for (const auto& [key, tensor] : goldens()) {
    if (!key.starts_with("resize/")) continue;
    SCOPED_TRACE(key);
    const Image expected = golden_image(key);
    const auto filter =
        key.ends_with("bilinear") ? ResizeFilter::kBilinear : ResizeFilter::kBicubic;
    expect_same_image(resize(photo, size_of(expected), filter), expected);
    ++compared;
  }
  EXPECT_EQ(compared, 18);
}

TEST(Resize, GrayEqualsPillow) {
  const Image gray = to_gray(read_image(testdata_path("photo.png")).value());
  expect_same_image(resize(gray, {30, 20}, ResizeFilter::kBicubic), golden_image("gray_resized"));
}

TEST(Resize, EveryInstructionSetGivesTheSameBytes) {
  for (const int channels : {1, 3}) {
    const Image image = noise(101, 67, channels, 1);
    for (const Size2d size : {Size2d{40, 31}, Size2d{203, 9}, Size2d{90, 20}, Size2d{5, 140}}) {
      for (const ResizeFilter filter : {ResizeFilter::kBilinear, ResizeFilter::kBicubic}) {
        const Image expected = resize(image, size, filter, CpuIsa::kPortable);
        for (const CpuIsa isa : supported_isas()) {
          SCOPED_TRACE(to_string(isa));
          expect_same_image(resize(image, size, filter, isa), expected);
        }
      }
    }
  }
}

TEST(Resize, AWindowIsThatPartOfTheWhole) {
  const unsigned seed = std::random_device{}();
  std::mt19937 random(seed);
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  const Image image = noise(53, 71, 3, seed);
  for (int round = 0; round < 50; ++round) {
    const Size2d size = {1 + static_cast<int>(random() % 120),
                         1 + static_cast<int>(random() % 120)};
    Window window;
    window.width = 1 + static_cast<int>(random() % static_cast<unsigned>(size.width));
    window.height = 1 + static_cast<int>(random() % static_cast<unsigned>(size.height));
    window.left = static_cast<int>(random() % static_cast<unsigned>(size.width - window.width + 1));
    window.top =
        static_cast<int>(random() % static_cast<unsigned>(size.height - window.height + 1));
    const Image whole = resize(image, size, ResizeFilter::kBicubic);
    expect_same_image(resize_window(image, size, ResizeFilter::kBicubic, window),
                      crop(whole, window));
  }
}

TEST(Resize, FloatPlanesFollowTheBytes) {
  const Image image = noise(50, 40, 3, 2);
  const double zero = 0;
  const double one = 1;
  const NormalizeTable identity = normalize_table(3, 1, {&zero, 1}, {&one, 1});
  Tensor planes(DType::kFloat32, {3, 40, 50});
  to_planes(image, {0, 0, 50, 40}, identity, planes.values<float>().data());
  for (const Size2d size : {Size2d{20, 31}, Size2d{77, 55}}) {
    const Image bytes = resize(image, size, ResizeFilter::kBilinear);
    Tensor expected(DType::kFloat32, {3, size.height, size.width});
    to_planes(bytes, {0, 0, size.width, size.height}, identity, expected.values<float>().data());
    const Tensor found = resize(planes, size, ResizeFilter::kBilinear);
    ASSERT_EQ(found.shape(), expected.shape());
    float worst = 0;
    for (std::int64_t i = 0; i < found.size(); ++i) {
      worst = std::max(worst, std::abs(found.values<float>()[static_cast<std::size_t>(i)] -
                                       expected.values<float>()[static_cast<std::size_t>(i)]));
    }
    // The bytes are rounded after each pass: half a step each, and the weights add up to 1.
    EXPECT_LE(worst, 1.001F);
    EXPECT_GT(worst, 0.25F);  // They are rounded, the planes are not.
  }
}

TEST(Resize, ShorterSideCutsTheLonger) {
  EXPECT_EQ(shorter_side_size({500, 375}, 256), (Size2d{341, 256}));
  EXPECT_EQ(shorter_side_size({375, 500}, 256), (Size2d{256, 341}));
  EXPECT_EQ(shorter_side_size({64, 64}, 224), (Size2d{224, 224}));
}

}  // namespace
}  // namespace xinfer
