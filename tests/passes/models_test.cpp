// The passes over real models: idempotent, verified after each pass, and with the regions, borders
// and shares that lowering and the accuracy bars rely on. Ranges are made up here: every value gets
// one, different from value to value.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "import/onnx_import.h"
#include "ir/text.h"
#include "ir/verify.h"
#include "passes/pipeline.h"

namespace xinfer::passes {
namespace {

std::filesystem::path models_folder() {
  const char* given = std::getenv("XINFER_DATA");
  return std::filesystem::path(given != nullptr ? given : XINFER_DEFAULT_DATA) / "models";
}

/// What the INT8 graph of a model must look like.
struct Expected {
  const char* model;
  double least_int8_share;               ///< of the multiply-accumulates
  int quantize, requantize, dequantize;  ///< at most
  int binary;                            ///< elementwise steps left over, at most
  int free_batch = 0;
};

void PrintTo(const Expected& expected, std::ostream* out) { *out << expected.model; }

template <typename T>
int count_ops(const ir::Graph& graph) {
  int count = 0;
  for (ir::NodeId id : graph.order()) count += std::holds_alternative<T>(graph.node(id).op);
  return count;
}

/// Thresholds between 2 and 4, so that no two values share a scale by chance.
RangeMap made_up_ranges(const ir::Graph& graph) {
  RangeMap ranges;
  for (std::size_t i = 0; i < graph.value_count(); ++i) {
    const ir::Value& value = graph.value(static_cast<ir::ValueId>(i));
    const double threshold = 2.0 + static_cast<double>(i * 7919 % 1000) / 500.0;
    ranges[value.name] = {threshold, -threshold, threshold};
  }
  return ranges;
}

void expect_stable(ir::Graph& graph, const std::function<Status(ir::Graph&)>& pass) {
  const std::string once = ir::print(graph, 0);
  const Status status = pass(graph);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(ir::print(graph, 0), once);
}

class Models : public ::testing::TestWithParam<Expected> {
 protected:
  /// The imported and simplified graph; empty if the file is absent.
  ir::Graph load() {
    const std::filesystem::path path = models_folder() / (std::string(GetParam().model) + ".onnx");
    if (!std::filesystem::exists(path)) return {};
    ImportOptions options;
    options.free_batch = GetParam().free_batch != 0;
    Result<ir::Graph> graph = import_onnx(path, options);
    EXPECT_TRUE(graph.ok()) << graph.status().message();
    if (!graph.ok()) return {};
    const Status status = simplify(*graph, {});
    EXPECT_TRUE(status.ok()) << status.message();
    return *std::move(graph);
  }
};

TEST_P(Models, SimplifyIsIdempotentAndLeavesNoBatchNorm) {
  ir::Graph graph = load();
  if (graph.order().empty()) GTEST_SKIP() << "no model at " << models_folder();
  EXPECT_EQ(count_ops<ir::BatchNorm>(graph), 0);
  expect_stable(graph, [](ir::Graph& g) { return simplify(g, {}); });
}

TEST_P(Models, FloatFusionIsIdempotent) {
  ir::Graph graph = load();
  if (graph.order().empty()) GTEST_SKIP() << "no model at " << models_folder();
  const Status status = fuse(graph);
  ASSERT_TRUE(status.ok()) << status.message();
  expect_stable(graph, fuse);
  EXPECT_EQ(count_ops<ir::Quantize>(graph) + count_ops<ir::Dequantize>(graph), 0);
}

TEST_P(Models, Int8RegionsMeetTheirBounds) {
  ir::Graph graph = load();
  if (graph.order().empty()) GTEST_SKIP() << "no model at " << models_folder();
  Result<PrecisionPlan> plan = plan_precisions(graph, made_up_ranges(graph), {}, {true, false});
  ASSERT_TRUE(plan.ok()) << plan.status().message();
  EXPECT_GE(plan->int8_mac_share(graph), GetParam().least_int8_share);
  ASSERT_TRUE(insert_qdq(graph, *plan).ok());
  const Status inserted = ir::verify(graph);
  ASSERT_TRUE(inserted.ok()) << inserted.message();
  const Status fused = fuse(graph);
  ASSERT_TRUE(fused.ok()) << fused.message();
  expect_stable(graph, fuse);

  int requantize = 0;
  for (ir::NodeId id : graph.order()) {
    const ir::Node& node = graph.node(id);
    if (std::holds_alternative<ir::Quantize>(node.op)) {
      requantize += graph.value(node.inputs[0]).is_quantized();
    }
  }
  EXPECT_LE(count_ops<ir::Quantize>(graph) - requantize, GetParam().quantize);
  EXPECT_LE(requantize, GetParam().requantize);
  EXPECT_LE(count_ops<ir::Dequantize>(graph), GetParam().dequantize);
  EXPECT_LE(count_ops<ir::Binary>(graph), GetParam().binary);
  for (const ir::GraphOutput& output : graph.outputs()) {
    EXPECT_FALSE(graph.value(output.value).is_quantized()) << output.name;
  }
}

INSTANTIATE_TEST_SUITE_P(
    , Models,
    ::testing::Values(
        Expected{"mobilenetv2", 1.0, 1, 0, 0, 0}, Expected{"squeezenet1.1", 1.0, 1, 0, 0, 0},
        Expected{"resnet18_trunk", 1.0, 1, 0, 0, 0}, Expected{"resnet56_cifar10", 1.0, 1, 0, 0, 0},
        Expected{"super_resolution", 1.0, 1, 0, 0, 0}, Expected{"yolov5n", 1.0, 1, 8, 0, 18},
        Expected{"yolox_nano", 1.0, 1, 8, 0, 0}, Expected{"yolox_nano", 1.0, 1, 8, 0, 0, 1},
        Expected{"fastestdet", 1.0, 1, 8, 0, 0}, Expected{"fastestdet", 1.0, 1, 8, 0, 0, 1},
        // Attention weights times V stay float: 7 % of the work. One conversion for
        // the image, three a block (two LayerNorms, the mixed values), one at the end.
        Expected{"vit_tiny_patch16_224", 0.92, 38, 0, 0, 13},
        Expected{"magika_standard_v3_3", 1.0, 3, 0, 0, 24}),
    [](const auto& tested) {
      std::string name = tested.param.model;
      for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
      return name + (tested.param.free_batch != 0 ? "_any_batch" : "");
    });

}  // namespace
}  // namespace xinfer::passes
