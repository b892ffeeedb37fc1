#include "data/transforms.h"

#include <gtest/gtest.h>

#include "data/decode.h"
#include "data/testdata.h"

namespace xinfer {
namespace {

TEST(CenterWindow, RoundsHalfToEven) {
  // torchvision: int(round((size - crop) / 2)).
  EXPECT_EQ(center_window({341, 256}, {224, 224}).value().left, 58);  // 58.5
  EXPECT_EQ(center_window({339, 256}, {224, 224}).value().left, 58);  // 57.5
  EXPECT_EQ(center_window({340, 227}, {224, 224}).value().left, 58);
  EXPECT_EQ(center_window({340, 227}, {224, 224}).value().top, 2);   // 1.5
  EXPECT_EQ(center_window({225, 224}, {224, 224}).value().left, 0);  // 0.5
}

TEST(CenterWindow, NamesBothSizes) {
  EXPECT_EQ(center_window({200, 300}, {224, 224}).status().message(),
            "a crop of 224x224 does not fit into an image of 200x300");
}

TEST(Letterbox, PlacesAsYolo) {
  LetterboxOptions options{{640, 640}};
  // YOLOv5: r = 640 / 500; round(375 r) = 480; 80 rows above and below.
  Window window = letterbox_window({500, 375}, options);
  EXPECT_EQ(window.top, 80);
  EXPECT_EQ(window.height, 480);
  EXPECT_EQ(window.width, 640);
  // 361 rows leave 279: round(139.5 - 0.1) = 139 above.
  window = letterbox_window({640, 361}, options);
  EXPECT_EQ(window.top, 139);
  EXPECT_EQ(window.height, 361);
  options.placement = Placement::kTopLeft;
  // 386 rows to 416: round(256 * 416 / 386) = round(275.9).
  options.size = {416, 416};
  window = letterbox_window({256, 386}, options);
  EXPECT_EQ(window.left, 0);
  EXPECT_EQ(window.top, 0);
  EXPECT_EQ(window.width, 276);
  EXPECT_EQ(window.height, 416);
}

TEST(Letterbox, FillsTheRest) {
  Image image(4, 2, 3);
  std::fill(image.pixels.begin(), image.pixels.end(), std::uint8_t{9});
  const Image boxed = letterbox(image, {{8, 8}, Placement::kCenter, 114, ResizeFilter::kBilinear});
  for (int y = 0; y < 8; ++y) {
    for (int x = 0; x < 24; ++x) EXPECT_EQ(int{boxed.row(y)[x]}, y >= 2 && y < 6 ? 9 : 114);
  }
}

TEST(Letterbox, KeepsAPixelOfExtremeProportions) {
  const Window window = letterbox_window({30000, 1}, {{64, 64}});
  EXPECT_EQ(window.height, 1);
  EXPECT_EQ(window.width, 64);
}

TEST(Color, GrayEqualsPillow) {
  expect_same_image(to_gray(read_image(testdata_path("photo.png")).value()), golden_image("gray"));
}

TEST(Color, SwapsRedAndBlue) {
  Image image(2, 1, 3);
  image.pixels = {1, 2, 3, 4, 5, 6};
  EXPECT_EQ(swap_red_blue(image).pixels, (std::vector<std::uint8_t>{3, 2, 1, 6, 5, 4}));
}

TEST(Normalize, ToTensorIsDivisionBy255) {
  const double zero = 0;
  const double one = 1;
  const NormalizeTable table = normalize_table(1, 1.0 / 255, {&zero, 1}, {&one, 1});
  for (int v = 0; v < 256; ++v) {
    EXPECT_EQ(table[0][static_cast<std::size_t>(v)], static_cast<float>(v) / 255.0F);
  }
}

TEST(Normalize, WritesBothLayoutsOfAWindow) {
  Image image(3, 2, 3);
  for (std::size_t i = 0; i < image.pixels.size(); ++i) {
    image.pixels[i] = static_cast<std::uint8_t>(i);
  }
  const std::vector<double> mean = {0, 1, 2};
  const std::vector<double> std = {1, 2, 4};
  const NormalizeTable table = normalize_table(3, 1, mean, std);
  std::vector<float> planes(12);
  std::vector<float> interleaved(12);
  to_planes(image, {1, 0, 2, 2}, table, planes.data());
  to_interleaved(image, {1, 0, 2, 2}, table, interleaved.data());
  EXPECT_EQ(planes, (std::vector<float>{3, 6, 12, 15, 1.5, 3, 6, 7.5, 0.75, 1.5, 3, 3.75}));
  EXPECT_EQ(interleaved, (std::vector<float>{3, 1.5, 0.75, 6, 3, 1.5, 12, 6, 3, 15, 7.5, 3.75}));
}

}  // namespace
}  // namespace xinfer
