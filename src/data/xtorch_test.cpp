#include "xtorch/xtorch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <type_traits>

#include "data/decode.h"
#include "data/resize.h"
#include "data/testdata.h"
#include "data/transforms.h"

namespace {

namespace fs = std::filesystem;
namespace image = xt::transforms::image;
namespace general = xt::transforms::general;
using xinfer::Error;
using xinfer::Shape;
using xinfer::testdata_path;
using xt::transforms::Compose;
using xt::transforms::Sample;

xinfer::Image photo() { return xinfer::read_image(testdata_path("photo.png")).value(); }

template <typename Function>
std::string complaint(const Function& function) {
  try {
    function();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

/// Two classes of images, one of them damaged.
class XtorchTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"cat/rgb420.jpg", "cat/photo.png", "dog/gray.jpg"}) {
      fs::create_directories((folder_.path() / name).parent_path());
      fs::copy_file(testdata_path(fs::path(name).filename()), folder_.path() / name);
    }
  }
  void damage() { fs::resize_file(folder_.path() / "cat/rgb420.jpg", 300); }

  xinfer::TemporaryFolder folder_;
};

TEST_F(XtorchTest, TheGuidesProgramLoadsBatches) {
  auto ds = xt::datasets::ImageFolder(
      folder_.path(),
      xt::transforms::Compose(
          {std::make_shared<xt::transforms::image::Resize>({224, 224}),
           std::make_shared<xt::transforms::general::Normalize>(
               std::vector<float>{0.485, 0.456, 0.406}, std::vector<float>{0.229, 0.224, 0.225})}));
  xt::dataloaders::ExtendedDataLoader loader(ds, 2, false);
  EXPECT_EQ(loader.size(), 2U);
  EXPECT_EQ(loader.batch_size(), 2U);
  EXPECT_EQ(loader.dataset_size(), 3U);
  EXPECT_THAT(ds.classes(), testing::ElementsAre("cat", "dog"));
  for (int round = 0; round < 2; ++round) {
    std::vector<std::string> names;
    std::vector<std::int64_t> targets;
    std::vector<Shape> shapes;
    for (const auto& batch : loader) {
      for (const std::string& name : batch.names) names.push_back(fs::path(name).filename());
      targets.insert(targets.end(), batch.target.begin(), batch.target.end());
      shapes.push_back(batch.data.shape());
    }
    EXPECT_THAT(names, testing::ElementsAre("photo.png", "rgb420.jpg", "gray.jpg"));
    EXPECT_THAT(targets, testing::ElementsAre(0, 0, 1));
    EXPECT_THAT(shapes, testing::ElementsAre(Shape{2, 3, 224, 224}, Shape{1, 3, 224, 224}));
  }
  // The pixels are Pillow's, in [0, 1], normalised in float32.
  const xinfer::Image resized =
      xinfer::resize(photo(), {224, 224}, xinfer::ResizeFilter::kBilinear);
  const xt::Tensor data = ds.get(0).data;
  constexpr std::size_t kPixels = 50176;  // 224 x 224
  for (std::size_t i = 0; i < kPixels; ++i) {
    const float value = static_cast<float>(resized.pixels[3 * i + 1]) / 255.0F;
    ASSERT_EQ(data.values<float>()[kPixels + i], (value - 0.456F) / 0.224F);
  }
}

TEST_F(XtorchTest, HandlesShareOnePosition) {
  xt::dataloaders::Batch batch;
  auto make = [this] {
    return xt::dataloaders::ExtendedDataLoader(
        xt::datasets::ImageFolder(folder_.path(),
                                  Compose({std::make_shared<image::Resize>({8, 8})})),
        1);
  };
  auto loader = make();
  {
    auto copy = loader;
    EXPECT_TRUE(copy.next(batch));
  }
  EXPECT_TRUE(loader.next(batch));
  EXPECT_EQ(fs::path(batch.names[0]).filename(), "rgb420.jpg");
  loader.reset();
  EXPECT_TRUE(loader.next(batch));
  EXPECT_EQ(fs::path(batch.names[0]).filename(), "photo.png");
}

TEST_F(XtorchTest, ADamagedImageIsNamedOrSkipped) {
  damage();
  const xt::datasets::ImageFolder dataset(folder_.path(),
                                          Compose({std::make_shared<image::Resize>({8, 8})}));
  const std::string path = (folder_.path() / "cat/rgb420.jpg").string();
  xt::dataloaders::Batch batch;
  xt::dataloaders::ExtendedDataLoader strict(dataset, 3);
  EXPECT_THAT(complaint([&] { strict.next(batch); }),
              testing::StartsWith("io_error: image \"" + path + "\": damaged JPEG: "));
  xt::dataloaders::ExtendedDataLoader lenient(dataset, {.batch_size = 3, .skip_bad = true});
  EXPECT_TRUE(lenient.next(batch));
  EXPECT_EQ(batch.size(), 2U);
  ASSERT_EQ(lenient.skipped().size(), 1U);
  EXPECT_THAT(lenient.skipped()[0], testing::StartsWith("image \"" + path + "\": "));
}

TEST_F(XtorchTest, ErrorsOfTransformsNameTheImageAndAreNeverSkipped) {
  const xt::datasets::ImageFolder dataset(folder_.path(),
                                          Compose({std::make_shared<image::CenterCrop>({50, 70})}));
  xt::dataloaders::ExtendedDataLoader loader(dataset, {.skip_bad = true});
  xt::dataloaders::Batch batch;
  EXPECT_EQ(complaint([&] { loader.next(batch); }),
            "invalid_argument: image \"" + (folder_.path() / "cat/photo.png").string() +
                "\": a crop of 70x50 does not fit into an image of 61x47");
}

struct Invert : xt::transforms::Module {
  Sample operator()(const Sample& sample) const override {
    xt::Tensor tensor = sample.tensor().clone();
    for (float& value : tensor.values<float>()) value = 1 - value;
    return tensor;
  }
};

struct Mirror : xt::transforms::Module {
  Sample operator()(const Sample& sample) const override {
    xt::Image result = sample.image();
    for (int y = 0; y < result.height; ++y) {
      for (int x = 0; x < result.width; ++x) {
        for (int c = 0; c < 3; ++c) {
          result.row(y)[3 * x + c] = sample.image().row(y)[3 * (result.width - 1 - x) + c];
        }
      }
    }
    return result;
  }
};

TEST(Transforms, UsersWriteTheirOwn) {
  const Compose chain({std::make_shared<Mirror>(), std::make_shared<Invert>(),
                       std::make_shared<image::CenterCrop>(11)});
  const xt::Tensor found = chain(photo()).tensor();
  EXPECT_EQ(found.shape(), (Shape{3, 11, 11}));
  // Offsets (47 - 11) / 2 and (61 - 11) / 2; mirrored, 25 is column 35.
  const int pixel = photo().row(18)[105];
  EXPECT_EQ(found.values<float>()[0], 1 - static_cast<float>(pixel) / 255.0F);
}

TEST(Transforms, StepsOnTensorsFollowThoseOnImages) {
  const image::Resize resize({30, 40});
  const xt::Tensor bytes = resize(photo()).tensor();
  const xt::Tensor floats = resize(Sample(photo()).tensor()).tensor();
  ASSERT_EQ(floats.shape(), bytes.shape());
  for (std::size_t i = 0; i < static_cast<std::size_t>(bytes.size()); ++i) {
    // Two roundings to bytes, half a step each.
    ASSERT_NEAR(floats.values<float>()[i], bytes.values<float>()[i], 1.001 / 255);
  }
  const image::CenterCrop crop({13, 17});
  const xt::Tensor cropped = crop(photo()).tensor();
  const xt::Tensor cropped_floats = crop(Sample(photo()).tensor()).tensor();
  for (std::size_t i = 0; i < static_cast<std::size_t>(cropped.size()); ++i) {
    ASSERT_EQ(cropped_floats.values<float>()[i], cropped.values<float>()[i]);
  }
}

TEST(Transforms, SizesAreThoseOfTorchvision) {
  const auto shape = [](const xt::transforms::Module& module) {
    return module(photo()).tensor().shape();
  };
  EXPECT_EQ(shape(image::Resize(20)), (Shape{3, 20, 25}));
  EXPECT_EQ(shape(image::Resize({20})), (Shape{3, 20, 25}));
  EXPECT_EQ(shape(image::Resize({20, 30})), (Shape{3, 20, 30}));
  EXPECT_EQ(shape(*std::make_shared<image::Resize>({20, 30})), (Shape{3, 20, 30}));
  EXPECT_EQ(shape(*std::make_shared<image::Resize>(20)), (Shape{3, 20, 25}));
  EXPECT_EQ(shape(image::CenterCrop(20)), (Shape{3, 20, 20}));
  EXPECT_EQ(shape(*std::make_shared<image::CenterCrop>({20, 30})), (Shape{3, 20, 30}));
  EXPECT_EQ(shape(image::Letterbox({64, 32})), (Shape{3, 64, 32}));
  EXPECT_EQ(shape(image::Grayscale()), (Shape{1, 47, 61}));
  EXPECT_EQ(shape(image::Grayscale(3)), (Shape{3, 47, 61}));
  EXPECT_EQ(shape(Compose({std::make_shared<image::Resize>({5, 6})})), (Shape{3, 5, 6}));
  EXPECT_EQ(shape(Compose()), (Shape{3, 47, 61}));
}

TEST(Transforms, SayWhatIsWrong) {
  EXPECT_EQ(
      complaint([] {
        image::Resize({1, 2, 3});
      }),
      "invalid_argument: Resize: a size of 3 numbers; expected {height, width} or one number");
  EXPECT_EQ(complaint([] { image::CenterCrop(0); }),
            "invalid_argument: CenterCrop: a side of 0; sides are 1 to 32768");
  EXPECT_EQ(complaint([] { image::Letterbox(8, image::Letterbox::Placement::kCenter, 300); }),
            "invalid_argument: Letterbox: fill is 300; expected 0..255");
  EXPECT_EQ(complaint([] { image::Grayscale(2); }),
            "invalid_argument: Grayscale: 2 output channels; expected 1 or 3");
  EXPECT_EQ(complaint([] { image::Grayscale()(Sample(photo()).tensor()); }),
            "invalid_argument: Grayscale: it works on 8-bit images; put it before the steps that "
            "make a tensor");
  EXPECT_EQ(complaint([] { general::Normalize({0}, {0}); }),
            "invalid_argument: Normalize: a std of 0; it must be positive");
  EXPECT_EQ(complaint([] {
              general::Normalize({1, 2}, {1})(photo());
            }),
            "invalid_argument: Normalize: 2 means and 1 stds for 3 channels");
  EXPECT_EQ(complaint([] { Compose({nullptr}); }), "invalid_argument: Compose: step 0 is null");
  EXPECT_EQ(complaint([] { image::Resize(8)(xt::Tensor(xinfer::DType::kFloat32, {4})); }),
            "invalid_argument: a transform was given a tensor of float32 [4]; expected float32 "
            "[C, H, W]");
}

// The overload in namespace std applies to transforms only.
template <typename T>
concept MakesFromBraces = requires {
  std::make_shared<T>({1, 2});
};
static_assert(MakesFromBraces<image::Resize>);
static_assert(!MakesFromBraces<std::vector<std::int64_t>>);
static_assert(!MakesFromBraces<general::Normalize>);

}  // namespace
