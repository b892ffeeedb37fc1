#include "data/preprocess.h"

#include <gtest/gtest.h>

#include <random>

namespace xinfer {
namespace {

std::string canonical(std::string_view text) {
  return to_string(parse_preprocessing(text).value());
}

std::string complaint(std::string_view text) {
  return parse_preprocessing(text).status().message();
}

Image ramp(int width, int height) {
  Image image(width, height, 3);
  for (std::size_t i = 0; i < image.pixels.size(); ++i) {
    image.pixels[i] = static_cast<std::uint8_t>(i * 7);
  }
  return image;
}

TEST(Preprocessing, DefaultsAreThoseOfTheCommandLine) {
  EXPECT_EQ(canonical(""), "filter=bilinear,color=rgb,scale=1/255,mean=0,std=1");
}

TEST(Preprocessing, PrintsCanonically) {
  EXPECT_EQ(canonical("imagenet"),
            "resize=256,crop=224,filter=bilinear,color=rgb,scale=1/255,mean=0.485:0.456:0.406,"
            "std=0.229:0.224:0.225");
  EXPECT_EQ(canonical("imagenet,resize=none,filter=bicubic"),
            "crop=224,filter=bicubic,color=rgb,scale=1/255,mean=0.485:0.456:0.406,"
            "std=0.229:0.224:0.225");
  EXPECT_EQ(canonical("layout=nhwc,color=bgr,resize=letterbox:640x480,scale=1"),
            "resize=letterbox:640x480:center:114,filter=bilinear,color=bgr,scale=1,mean=0,std=1,"
            "layout=nhwc");
  EXPECT_EQ(
      canonical("resize=letterbox:416x416:topleft:0"),
      "resize=letterbox:416x416:topleft:0,filter=bilinear,color=rgb,scale=1/255,mean=0,std=1");
  EXPECT_EQ(canonical("resize=352x352,crop=300x200,color=gray,mean=0.1,std=2,scale=2/255"),
            "resize=352x352,crop=300x200,filter=bilinear,color=gray,scale=0.00784313725490196,"
            "mean=0.1,std=2");
}

TEST(Preprocessing, ReadsBackWhatItPrints) {
  const unsigned seed = std::random_device{}();
  std::mt19937 random(seed);
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  const auto pick = [&random](int bound) {
    return static_cast<int>(random() % static_cast<unsigned>(bound));
  };
  std::uniform_real_distribution<double> real(1e-6, 300);
  for (int round = 0; round < 300; ++round) {
    Preprocessing p;
    p.resize = static_cast<ResizeMode>(pick(4));
    if (p.resize == ResizeMode::kShorterSide) {
      const int side = 1 + pick(999);
      p.resize_size = {side, side};
    } else if (p.resize != ResizeMode::kNone) {
      p.resize_size = {1 + pick(999), 1 + pick(999)};
    }
    if (p.resize == ResizeMode::kLetterbox) {
      p.placement = static_cast<Placement>(pick(2));
      p.fill = pick(256);
    }
    if (pick(2) == 0) p.crop = Size2d{1 + pick(999), 1 + pick(999)};
    p.filter = static_cast<ResizeFilter>(pick(2));
    p.color = static_cast<ColorOrder>(pick(3));
    if (pick(2) == 0) p.scale = real(random);
    p.layout = static_cast<ImageLayout>(pick(3));
    p.mean.resize(pick(2) == 0 ? 1 : static_cast<std::size_t>(p.channels()));
    p.std.resize(pick(2) == 0 ? 1 : static_cast<std::size_t>(p.channels()));
    for (double& value : p.mean) value = real(random) - 100;
    for (double& value : p.std) value = real(random);
    const std::string text = to_string(p);
    const Result<Preprocessing> back = parse_preprocessing(text);
    ASSERT_TRUE(back.ok()) << text << ": " << back.status().message();
    EXPECT_EQ(*back, p) << text;
    EXPECT_EQ(to_string(*back), text);
  }
}

TEST(Preprocessing, SaysWhatIsWrong) {
  EXPECT_EQ(complaint("resize=256,sise=3"),
            "preprocessing has the element \"sise=3\"; expected imagenet (first) or KEY=VALUE with "
            "the keys resize, crop, filter, color, scale, mean, std, layout");
  EXPECT_EQ(complaint("crop=224,crop=224"), "preprocessing key \"crop\" is given twice");
  EXPECT_EQ(complaint("resize=0"),
            "preprocessing key \"resize\" is \"0\"; expected none, a shorter side N, WxH or "
            "letterbox:WxH, with sides of 1..32768");
  EXPECT_EQ(complaint("resize=letterbox:640"),
            "preprocessing key \"resize\" is \"letterbox:640\"; expected "
            "letterbox:WxH[:center|:topleft][:FILL] with sides of 1..32768 and FILL of 0..255");
  EXPECT_EQ(complaint("crop=1x2x3"),
            "preprocessing key \"crop\" is \"1x2x3\"; expected none, N or WxH, with sides of "
            "1..32768");
  EXPECT_EQ(complaint("filter=cubic"),
            "preprocessing key \"filter\" is \"cubic\"; expected bilinear or bicubic");
  EXPECT_EQ(complaint("color=RGB"),
            "preprocessing key \"color\" is \"RGB\"; expected rgb, bgr or gray");
  EXPECT_EQ(complaint("scale=1/0"),
            "preprocessing key \"scale\" is \"1/0\"; expected a positive number or a fraction such "
            "as 1/255");
  EXPECT_EQ(complaint("mean=0.5:x"),
            "preprocessing key \"mean\" is \"0.5:x\"; expected numbers joined by \":\", such as "
            "0.485:0.456:0.406");
  EXPECT_EQ(complaint("mean=nan"),
            "preprocessing key \"mean\" is \"nan\"; expected numbers joined by \":\", such as "
            "0.485:0.456:0.406");
  EXPECT_EQ(complaint("std=0"), "preprocessing key \"std\" is \"0\"; expected positive numbers");
  EXPECT_EQ(complaint("mean=1:2"),
            "preprocessing key \"mean\" has 2 values; color=rgb takes 1 or 3");
  EXPECT_EQ(complaint("color=gray,std=1:2:3"),
            "preprocessing key \"std\" has 3 values; color=gray takes 1");
  EXPECT_EQ(complaint("layout=chw"),
            "preprocessing key \"layout\" is \"chw\"; expected nchw or nhwc");
}

Result<Tensor> apply(std::string_view text, const Shape& input, const Image& image) {
  XINFER_ASSIGN_OR_RETURN(const Preprocessor preprocessor,
                          Preprocessor::create(parse_preprocessing(text).value(), input));
  return preprocessor.apply(image);
}

TEST(Preprocessor, FollowsTheStepsInOrder) {
  const Image image = ramp(30, 20);
  const Tensor found =
      apply("resize=10,crop=8x6,color=bgr,mean=1:2:3,std=2,scale=1", {-1, 3, 6, 8}, image).value();
  const Image resized = resize(image, {15, 10}, ResizeFilter::kBilinear);
  ASSERT_EQ(found.shape(), (Shape{3, 6, 8}));
  std::size_t i = 0;
  for (int c = 0; c < 3; ++c) {
    for (int y = 0; y < 6; ++y) {
      for (int x = 0; x < 8; ++x) {
        // Offsets (15 - 8) / 2 = 3.5, rounded down to 3, and (10 - 6) / 2 = 2.
        const int pixel = resized.row(2 + y)[3 * (3 + x) + 2 - c];
        ASSERT_EQ(found.values<float>()[i++], static_cast<float>(pixel - (c + 1)) / 2);
      }
    }
  }
}

TEST(Preprocessor, FollowsTheModelsLayout) {
  const Image image = ramp(5, 4);
  EXPECT_EQ(apply("", {1, 3, 4, 5}, image).value().shape(), (Shape{3, 4, 5}));
  EXPECT_EQ(apply("", {1, 4, 5, 3}, image).value().shape(), (Shape{4, 5, 3}));
  EXPECT_EQ(apply("", {-1, 3, -1, -1}, image).value().shape(), (Shape{3, 4, 5}));
  EXPECT_EQ(apply("color=gray", {1, 1, 4, 5}, image).value().shape(), (Shape{1, 4, 5}));
  EXPECT_EQ(apply("layout=nhwc", {1, -1, -1, -1}, image).value().shape(), (Shape{4, 5, 3}));
}

TEST(Preprocessor, TakesTheAxisThatHasTheChannelsWhereOthersAreDynamic) {
  const Image image = ramp(5, 4);
  const Shape last = {-1, -1, -1, 3};
  EXPECT_EQ(apply("", last, image).value().shape(), (Shape{4, 5, 3}));
  EXPECT_EQ(apply("color=gray", {-1, -1, -1, 1}, image).value().shape(), (Shape{4, 5, 1}));
  EXPECT_EQ(apply("", {-1, 3, -1, -1}, image).value().shape(), (Shape{3, 4, 5}));
  EXPECT_EQ(apply("", {-1, -1, -1, -1}, image).value().shape(), (Shape{3, 4, 5}));
  const Preprocessing text = parse_preprocessing("layout=nchw").value();
  EXPECT_EQ(Preprocessor::create(text, last, PixelForm::kBytes).value().apply(image)->shape(),
            (Shape{4, 5, 3}));
}

TEST(Preprocessor, GivesBytesBeforeTheyAreNormalised) {
  const Image image = ramp(6, 5);
  const Preprocessing text = parse_preprocessing("crop=4x2,color=bgr,mean=0.5,layout=nchw").value();
  const auto bytes_for = [&](const Shape& input) {
    return Preprocessor::create(text, input, PixelForm::kBytes).value().apply(image).value();
  };
  const Tensor last = bytes_for({1, 2, 4, 3}), first = bytes_for({1, 3, 2, 4});
  ASSERT_EQ(last.dtype(), DType::kUInt8);
  ASSERT_EQ(last.shape(), (Shape{2, 4, 3}));
  ASSERT_EQ(first.shape(), (Shape{3, 2, 4}));
  for (int y = 0; y < 2; ++y) {
    for (int x = 0; x < 4; ++x) {
      for (int c = 0; c < 3; ++c) {
        const int pixel = image.row(1 + y)[3 * (1 + x) + 2 - c];
        EXPECT_EQ(last.values<std::uint8_t>()[static_cast<std::size_t>((y * 4 + x) * 3 + c)],
                  pixel);
        EXPECT_EQ(first.values<std::uint8_t>()[static_cast<std::size_t>((c * 2 + y) * 4 + x)],
                  pixel);
      }
    }
  }
}

TEST(Preprocessor, LetterboxesAndCrops) {
  const Tensor found =
      apply("resize=letterbox:8x8,crop=8x4,scale=1", {1, 3, 4, 8}, ramp(16, 8)).value();
  const Image expected = resize(ramp(16, 8), {8, 4}, ResizeFilter::kBilinear);
  for (int i = 0; i < 32; ++i) {
    EXPECT_EQ(found.values<float>()[static_cast<std::size_t>(i)],
              static_cast<float>(expected.pixels[static_cast<std::size_t>(3 * i)]));
  }
}

TEST(Preprocessor, NamesBothSizesThatDoNotFit) {
  const Image image = ramp(300, 200);
  EXPECT_EQ(apply("", {1, 3, 224, 224}, image).status().message(),
            "preprocessing gives 300x200 (width x height), but the model's input is "
            "[1, 3, 224, 224], 224x224; set resize or crop");
  EXPECT_EQ(apply("crop=224", {1, 3, 224, 224}, image).status().message(),
            "a crop of 224x224 does not fit into an image of 300x200");
  // Known before any image is read.
  EXPECT_EQ(Preprocessor::create(parse_preprocessing("imagenet").value(), {-1, 3, 299, 299})
                .status()
                .message(),
            "preprocessing gives 224x224 (width x height), but the model's input is "
            "[-1, 3, 299, 299], 299x299; set resize or crop");
  EXPECT_EQ(Preprocessor::create(Preprocessing{}, {1, 1, 28, 28}).status().message(),
            "preprocessing gives 3 channels, but the model's input is [1, 1, 28, 28]; color=gray "
            "gives 1, color=rgb and color=bgr give 3");
  EXPECT_EQ(Preprocessor::create(Preprocessing{}, {1, 2048}).status().message(),
            "the model's input [1, 2048] is no batch of images; preprocessing needs [N, C, H, W] "
            "or [N, H, W, C]");
}

}  // namespace
}  // namespace xinfer
