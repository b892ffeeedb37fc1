// The shared real models import, verify and print as text that reads back.
#include <gtest/gtest.h>

#include <cctype>
#include <cstdlib>
#include <filesystem>

#include "import/onnx_import.h"
#include "ir/text.h"
#include "ir/verify.h"

namespace xinfer {
namespace {

namespace fs = std::filesystem;

struct ModelCase {
  const char* file;
  const char* input_shape;
  const char* output_shape;
};

std::ostream& operator<<(std::ostream& stream, const ModelCase& model) {
  return stream << model.file;
}

/// XINFER_DATA, else the folder beside the source tree.
fs::path models_folder() {
  const char* folder = std::getenv("XINFER_DATA");
  return fs::path(folder != nullptr ? folder : XINFER_DEFAULT_DATA) / "models";
}

class ModelsTest : public testing::TestWithParam<ModelCase> {
 protected:
  void SetUp() override {
    path_ = models_folder() / GetParam().file;
    if (!fs::exists(path_)) GTEST_SKIP() << path_ << " is not there (set XINFER_DATA)";
  }
  fs::path path_;
};

TEST_P(ModelsTest, ImportsVerifiesAndPrints) {
  std::vector<std::string> warnings;
  const auto graph = import_onnx(path_, {}, &warnings);
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  EXPECT_TRUE(warnings.empty()) << warnings.front();
  const Status verified = ir::verify(*graph);
  EXPECT_TRUE(verified.ok()) << verified.message();
  const ir::Value& input = graph->value(graph->inputs().at(0));
  EXPECT_EQ(ir::to_string(input.shape), GetParam().input_shape);
  const ir::Value& output = graph->value(graph->outputs().at(0).value);
  EXPECT_EQ(ir::to_string(output.shape), GetParam().output_shape);
  const std::string text = ir::print(*graph, -1);
  const auto parsed = ir::parse(text);
  ASSERT_TRUE(parsed.ok()) << parsed.status().message();
  EXPECT_EQ(ir::print(*parsed, -1), text);
}

TEST_P(ModelsTest, FixedBatchCanBeFreed) {
  ImportOptions options;
  options.free_batch = true;
  const auto graph = import_onnx(path_, options);
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  const Status verified = ir::verify(*graph);
  EXPECT_TRUE(verified.ok()) << verified.message();
  const ir::Dim& first = graph->value(graph->outputs().at(0).value).shape.at(0);
  EXPECT_NE(first.symbol_name(), "") << first.to_string();
  EXPECT_EQ(first, graph->value(graph->inputs().at(0)).shape.at(0));
}

INSTANTIATE_TEST_SUITE_P(
    Shared, ModelsTest,
    testing::Values(
        ModelCase{"mobilenetv2.onnx", "[batch_size, 3, 224, 224]", "[batch_size, 1000]"},
        ModelCase{"squeezenet1.1.onnx", "[N, 3, 224, 224]", "[N, 1000]"},
        ModelCase{"vit_tiny_patch16_224.onnx", "[batch_size, 3, 224, 224]", "[batch_size, 1000]"},
        ModelCase{"resnet18_trunk.onnx", "[batch_size, 3, 224, 224]", "[batch_size, 256]"},
        ModelCase{"resnet56_cifar10.onnx", "[batch_size, 3, 32, 32]", "[batch_size, 10]"},
        ModelCase{"yolov5n.onnx", "[batch, 3, height, width]",
                  "[batch, 63*floordiv(height + 30, 32)*floordiv(width + 30, 32), 85]"},
        ModelCase{"yolox_nano.onnx", "[1, 3, 416, 416]", "[1, 3549, 85]"},
        ModelCase{"fastestdet.onnx", "[1, 3, 352, 352]", "[1, 85, 22, 22]"},
        ModelCase{"super_resolution.onnx", "[batch_size, 1, 224, 224]",
                  "[batch_size, 1, 672, 672]"},
        ModelCase{"magika_standard_v3_3.onnx", "[unk__214, 2048]", "[unk__214, 214]"}),
    [](const auto& instance) {
      std::string name = fs::path(instance.param.file).stem().string();
      for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
      return name;
    });

}  // namespace
}  // namespace xinfer
