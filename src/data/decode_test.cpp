#include "data/decode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "data/file_bytes.h"
#include "data/testdata.h"

namespace xinfer {
namespace {

constexpr std::string_view kGoldenPrefix = "decode/";

std::vector<std::string> test_images() {
  std::vector<std::string> names;
  for (const auto& [key, tensor] : goldens()) {
    if (key.starts_with(kGoldenPrefix)) names.push_back(key.substr(kGoldenPrefix.size()));
  }
  return names;
}

std::vector<std::byte> file_bytes(const std::string& name) {
  return read_file_bytes(testdata_path(name), 1 << 20).value();
}

TEST(Decode, EqualsPillow) {
  ASSERT_EQ(test_images().size(), 23U);
  for (const std::string& name : test_images()) {
    SCOPED_TRACE(name);
    expect_same_image(read_image(testdata_path(name)).value(),
                      golden_image(std::string(kGoldenPrefix) + name));
  }
}

TEST(Decode, EveryCutIsAnErrorThatNamesTheFile) {
  for (const std::string& name : test_images()) {
    const std::vector<std::byte> bytes = file_bytes(name);
    // A baseline JPEG without its last two bytes, the end marker, has all its pixels.
    for (std::size_t size = 0; size + 2 < bytes.size(); size += 1 + bytes.size() / 200) {
      const Result<Image> image = decode_image(std::span(bytes).first(size), "cut.img");
      ASSERT_FALSE(image.ok()) << name << " cut to " << size << " bytes";
      EXPECT_THAT(image.status().message(), testing::StartsWith("image \"cut.img\": "));
    }
  }
}

TEST(Decode, SurvivesFlippedBits) {
  const unsigned seed = std::random_device{}();
  std::mt19937 random(seed);
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  DecodeLimits limits;
  limits.max_pixels = 1 << 20;  // A flipped size costs no more than this.
  for (const std::string& name : test_images()) {
    const std::vector<std::byte> bytes = file_bytes(name);
    for (int round = 0; round < 300; ++round) {
      std::vector<std::byte> damaged = bytes;
      for (unsigned flips = 1 + random() % 4; flips > 0; --flips) {
        damaged[random() % damaged.size()] ^= std::byte{1} << random() % 8;
      }
      const Result<Image> image = decode_image(damaged, "x", limits);
      if (!image.ok()) {
        EXPECT_THAT(image.status().message(), testing::StartsWith("image \"x\": "));
        EXPECT_NE(image.status().code(), ErrorCode::kInternal) << image.status().message();
        continue;
      }
      EXPECT_EQ(image->channels, 3);
      EXPECT_EQ(image->pixels.size(), std::size_t(image->width) * image->height * 3);
    }
  }
}

std::string message_for(std::span<const std::byte> bytes, const DecodeLimits& limits = {}) {
  return decode_image(bytes, "a", limits).status().message();
}

TEST(Decode, MessagesSayWhatWasFound) {
  EXPECT_EQ(message_for({}), "image \"a\": the file is empty");
  EXPECT_EQ(message_for(std::as_bytes(std::span("GIF89a"))),
            "image \"a\": neither JPEG nor PNG (it begins with 47 49 46 38)");
  EXPECT_EQ(read_image("/nowhere/b.png").status().message(),
            "image \"/nowhere/b.png\": cannot open the file: No such file or directory");
  const std::vector<std::byte> jpeg = file_bytes("rgb420.jpg");
  EXPECT_EQ(message_for(std::span(jpeg).first(jpeg.size() / 2)),
            "image \"a\": damaged JPEG: Premature end of JPEG file");
  const std::vector<std::byte> png = file_bytes("photo.png");
  EXPECT_EQ(message_for(std::span(png).first(png.size() / 2)),
            "image \"a\": damaged PNG: the file ends too early");
}

TEST(Decode, LimitsSize) {
  DecodeLimits limits;
  limits.max_pixels = 25 * 19 - 1;
  EXPECT_EQ(message_for(file_bytes("rgb420.jpg"), limits),
            "image \"a\": its size is 25x19; at most 474 pixels are decoded");
  limits.max_pixels = 61 * 47 - 1;
  EXPECT_EQ(message_for(file_bytes("photo.png"), limits),
            "image \"a\": its size is 61x47; at most 2866 pixels are decoded");
  ++limits.max_pixels;
  EXPECT_TRUE(decode_image(file_bytes("photo.png"), "a", limits).ok());
}

TEST(Decode, LimitsScans) {
  DecodeLimits limits;
  limits.max_scans = 3;
  EXPECT_EQ(message_for(file_bytes("progressive.jpg"), limits),
            "image \"a\": damaged JPEG: it has more than 3 scans");
}

TEST(Decode, RefusesAFolder) {
  EXPECT_THAT(read_image(testdata_path("")).status().message(),
              testing::EndsWith("not a regular file"));
}

}  // namespace
}  // namespace xinfer
