// Trained models of the shared data folder in float32: the published figures must come out.
#include <cstdlib>

#include "digits.h"
#include "xinfer/evaluate/evaluate.h"

namespace xinfer {
namespace {

std::filesystem::path shared_data() {
  const char* given = std::getenv("XINFER_DATA");
  return given != nullptr ? std::filesystem::path(given)
                          : std::filesystem::path(XINFER_SOURCE_DIR) / "../shared/data";
}

struct Figures {
  const char* model;
  const char* preprocess;
  const char* images;
  const char* labels;
  double top1, top5;
};

class SharedModels : public testing::TestWithParam<Figures> {};

TEST_P(SharedModels, Float32ReproducesThePublishedAccuracy) {
  const Figures& figures = GetParam();
  const std::filesystem::path data = shared_data();
  if (!std::filesystem::is_directory(data)) {
    GTEST_SKIP() << data << " is not there: set XINFER_DATA to the folder of models and images";
  }
  EngineBuilder builder;
  const Engine engine =
      builder.from_onnx(data / "models" / figures.model).with_max_batch_size(8).build();
  SampleOptions options;
  options.preprocess = figures.preprocess;
  if (*figures.labels != '\0') options.labels = data / figures.labels;
  options.batch_size = 8;
  SampleSet samples = SampleSet::open(data / figures.images, options, engine.inputs());
  const EvaluationReport report = evaluate(engine, samples);
  EXPECT_NEAR(report.engine.top1_percent, figures.top1, 0.1);
  EXPECT_NEAR(report.engine.top5_percent, figures.top5, 0.1);
}

constexpr const char* kImageNet = "crop=224,mean=0.485:0.456:0.406,std=0.229:0.224:0.225";

INSTANTIATE_TEST_SUITE_P(
    Classifiers, SharedModels,
    testing::Values(
        Figures{"mobilenetv2.onnx", kImageNet, "images/calib", "labels.tsv", 82.00, 95.50},
        Figures{"squeezenet1.1.onnx", kImageNet, "images/calib", "labels.tsv", 59.00, 79.00},
        Figures{"vit_tiny_patch16_224.onnx", "crop=224,mean=0.5,std=0.5", "images/calib",
                "labels.tsv", 82.00, 95.00},
        Figures{"resnet56_cifar10.onnx", "mean=0.485:0.456:0.406,std=0.229:0.224:0.225",
                "cifar10/eval", "", 83.15, 99.20},
        Figures{"magika_standard_v3_3.onnx", "", "magika/inputs.npy", "magika/labels.tsv", 98.684,
                99.342}),
    [](const auto& model) {
      const std::string name = model.param.model;
      return name.substr(0, name.find_first_of("_.0123456789"));
    });

}  // namespace
}  // namespace xinfer
