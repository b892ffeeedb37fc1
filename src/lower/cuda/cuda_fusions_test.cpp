// Launches that do several layers' work, and where the layers stay apart.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "ir/build.h"
#include "lower/cuda/replaced_launches.h"
#include "lower/cuda/test_plans.h"

namespace xinfer::lower {
namespace {

using kernels::cuda::Operand;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A convolution's output, averaged over all pixels and multiplied: 32 channels to 10 classes.
ir::Graph classifier_graph(bool average_is_output = false) {
  ir::GraphBuilder builder;
  const ir::ValueId x = builder.input("x", {ir::Dim::symbol("batch"), 16, 7, 7});
  const ir::ValueId y =
      builder.conv(x, builder.random_constant({32, 16, 1, 1}), ir::kNoValue, {}, "c1");
  const ir::ValueId mean = builder.global_average_pool(y, "average");
  const ir::ValueId flat = builder.reshape(mean, {ir::Dim::symbol("batch"), 32}, "flat");
  builder.output(builder.matmul(flat, builder.random_constant({32, 10}), ir::kNoValue, "classes"));
  if (average_is_output) builder.output(mean, "mean");
  return builder.graph();
}

/// For every point of a launch: whether its first choice replaces the launch before.
std::vector<bool> replaces_previous(const OpenCudaPlan& open, std::size_t launch) {
  std::vector<bool> replaces;
  for (const BatchPoint& point : open.launches[launch].points) {
    replaces.push_back(point.candidates.front().replaces_previous > 0);
  }
  return replaces;
}

TEST(CudaFusions, AveragesAndMultipliesInOneLaunchAtSmallBatches) {
  const ir::Graph graph = classifier_graph();
  OpenCudaPlan open = lower(graph, all_half(graph)).value();
  EXPECT_THAT(families(open), testing::Contains("Reduce"));
  const std::vector<std::string> all = families(open);
  const auto average =
      static_cast<std::size_t>(std::find(all.begin(), all.end(), "Reduce") - all.begin());
  EXPECT_EQ(all[average + 1], "Gemm");
  EXPECT_THAT(replaces_previous(open, average + 1), ElementsAre(true, true, false, false));
  // The product reads what the average reads.
  EXPECT_THAT(open.plan->steps[average + 1]->inputs,
              testing::Contains(open.plan->steps[average]->inputs[0]));
  leave_out_replaced(open);
  std::vector<bool> left_out;
  for (const BatchPoint& point : open.launches[average].points) left_out.push_back(point.left_out);
  EXPECT_THAT(left_out, ElementsAre(true, true, false, false));
  EXPECT_EQ(open.launches[average].points[2].largest_batch, 32);
}

TEST(CudaFusions, KeepsTheAverageThatOthersRead) {
  const ir::Graph graph = classifier_graph(/*average_is_output=*/true);
  const OpenCudaPlan open = lower(graph, all_half(graph)).value();
  for (std::size_t i = 0; i < open.launches.size(); ++i) {
    EXPECT_THAT(replaces_previous(open, i), testing::Not(testing::Contains(true)));
  }
}

TEST(CudaFusions, KeepsTheAverageBeforeClusters) {
  const ir::Graph graph = classifier_graph();
  const OpenCudaPlan open = lower(graph, all_half(graph), "sm_80").value();
  for (std::size_t i = 0; i < open.launches.size(); ++i) {
    EXPECT_THAT(replaces_previous(open, i), testing::Not(testing::Contains(true)));
  }
}

/// An image of 3 x 32 x 32 through a convolution of stride 2, ReLU and, if asked, max pooling.
ir::Graph image_graph(bool pools, std::int64_t channels = 16) {
  ir::GraphBuilder builder;
  const ir::ValueId x = builder.input("x", {ir::Dim::symbol("batch"), 3, 32, 32});
  ir::ValueId y = builder.conv(x, builder.random_constant({channels, 3, 7, 7}), ir::kNoValue,
                               {.stride = 2, .pad = 3}, "c1");
  if (pools) y = builder.max_pool(y, 3, {.stride = 2, .pad = 1}, "pool");
  builder.output(
      builder.conv(y, builder.random_constant({8, channels, 1, 1}), ir::kNoValue, {}, "c2"));
  return builder.graph();
}

TEST(CudaFusions, ConvertsConvolvesAndPoolsInOneLaunch) {
  const ir::Graph graph = image_graph(true);
  const OpenCudaPlan open = lower(graph, all_half(graph)).value();
  EXPECT_THAT(families(open), ElementsAre("Stem", "Conv", "Transpose"));
  const engine::fb::StepT& stem = *open.plan->steps[0];
  EXPECT_EQ(stem.name, "c1");
  EXPECT_THAT(stem.origins, testing::UnorderedElementsAre("c1", "pool"));
  for (const BatchPoint& point : open.launches[0].points) {
    EXPECT_THAT(point.candidates.front().tactic, testing::StartsWith("stem_"));
    EXPECT_THAT(point.candidates.front().layer,
                testing::AllOf(HasSubstr("kPoolKernelH = 3"), HasSubstr("kPoolOutH = 8")));
  }
}

TEST(CudaFusions, ConvertsAndConvolvesInOneLaunchWithoutPooling) {
  const ir::Graph graph = image_graph(false);
  EXPECT_THAT(families(lower(graph, all_half(graph)).value()),
              ElementsAre("Stem", "Conv", "Transpose"));
}

TEST(CudaFusions, KeepsLaunchesApartThatTheStemKernelDoesNotServe) {
  const ir::Graph wide = image_graph(true, 144);  // more channels than a block holds
  EXPECT_THAT(families(lower(wide, all_half(wide)).value()),
              ElementsAre("Transpose", "Conv", "Pool", "Conv", "Transpose"));
  const ir::Graph graph = image_graph(true);
  EXPECT_THAT(families(lower(graph, all_half(graph), "sm_80").value()),
              ElementsAre("Transpose", "Conv", "Pool", "Conv", "Transpose"));
}

/// INT8 layers without biases, as fusion leaves them.
class Int8Graph {
 public:
  explicit Int8Graph(std::int64_t channels, std::int64_t size)
      : image_(builder_.input("x", {ir::Dim::symbol("batch"), channels, size, size})),
        quantised_(as_int8(builder_.add(ir::Quantize{}, {image_}, "q"))) {}

  ir::ValueId image() const { return quantised_; }
  ir::ValueId conv(ir::ValueId x, Shape weights, const std::string& name,
                   ir::ValueId residual = ir::kNoValue) {
    const std::int64_t pad = weights.back() / 2;
    const ir::ValueId y = as_int8(
        builder_.conv(x, builder_.random_constant(weights), ir::kNoValue, {.pad = pad}, name));
    if (residual == ir::kNoValue) return y;
    ir::Node& node = builder_.graph().node(builder_.value(y).producer);
    node.inputs = {node.inputs[0], node.inputs[1], ir::kNoValue, residual};
    ir::EpilogueOp step;
    step.kind = ir::EpilogueOp::Kind::kResidual;
    step.residual_input = 3;
    std::get<ir::Conv>(node.op).epilogue = {step};
    return y;
  }
  ir::Graph finish(ir::ValueId output) {
    builder_.output(output);
    return builder_.graph();
  }

 private:
  ir::ValueId as_int8(ir::ValueId id) {
    builder_.graph().value(id).dtype = DType::kInt8;
    builder_.graph().value(id).scale = 0.05f;
    return id;
  }

  ir::GraphBuilder builder_;
  ir::ValueId image_, quantised_;
};

/// A block's end and the next block: `widened` = an expansion of x plus a residual, `narrowed` its
/// reduction by a square kernel, and `last`, which reads both.
ir::Graph blocks_graph(std::int64_t kernel = 1) {
  Int8Graph graph(64, 56);
  const ir::ValueId wide = graph.conv(graph.image(), {256, 64, 3, 3}, "wide");
  const ir::ValueId widened = graph.conv(graph.image(), {256, 64, 1, 1}, "widened", wide);
  const ir::ValueId narrowed = graph.conv(widened, {64, 256, kernel, kernel}, "narrowed");
  return graph.finish(graph.conv(narrowed, {256, 64, 1, 1}, "last", widened));
}

/// The launch of the step with that name.
std::size_t launch_of(const OpenCudaPlan& open, const std::string& name) {
  const auto& steps = open.plan->steps;
  const auto it = std::find_if(steps.begin(), steps.end(),
                               [&](const auto& step) { return step->name == name; });
  return static_cast<std::size_t>(it - steps.begin());
}

TEST(CudaFusions, ComputesAnExpansionAndItsReductionInOneLaunchAtLargeBatches) {
  const ir::Graph graph = blocks_graph();
  OpenCudaPlan open = lower(graph, all_half(graph)).value();
  const std::size_t widened = launch_of(open, "widened"), narrowed = widened + 1;
  ASSERT_EQ(launch_of(open, "narrowed"), narrowed);
  EXPECT_THAT(replaces_previous(open, narrowed), ElementsAre(false, true, true, true));
  // The reduction's launch has the expansion's operands, whose residual and input stay alive.
  for (const auto& operand : open.plan->steps[widened]->params.AsCuda()->operands) {
    if (static_cast<Operand>(operand->operand) == Operand::kOutput) {
      EXPECT_EQ(open.plan->steps[narrowed]->inputs[0], operand->tensor);
      continue;
    }
    const auto is_same = [&](const auto& other) {
      return other->tensor == operand->tensor && other->blob.offset() == operand->blob.offset();
    };
    EXPECT_TRUE(std::ranges::any_of(open.plan->steps[narrowed]->params.AsCuda()->operands, is_same))
        << "operand " << static_cast<int>(operand->operand);
  }
  leave_out_replaced(open);
  std::vector<bool> left_out;
  for (const BatchPoint& point : open.launches[widened].points) left_out.push_back(point.left_out);
  EXPECT_THAT(left_out, ElementsAre(false, true, true, true));
}

TEST(CudaFusions, KeepsAnExpansionBeforeALargerKernel) {
  const ir::Graph graph = blocks_graph(3);
  const OpenCudaPlan open = lower(graph, all_half(graph)).value();
  for (std::size_t i = 0; i < open.launches.size(); ++i) {
    EXPECT_THAT(replaces_previous(open, i), testing::Not(testing::Contains(true)));
  }
}

TEST(CudaFusions, KeepsEveryLayerApartWhereValuesAreObserved) {
  const OpenCudaPlan open = lower(blocks_graph()).value();
  for (std::size_t i = 0; i < open.launches.size(); ++i) {
    EXPECT_THAT(replaces_previous(open, i), testing::Not(testing::Contains(true)));
  }
}

TEST(CudaFusions, ReplacesNoLaunchThatReplacesAnother) {
  Int8Graph layers(64, 56);
  const ir::ValueId a = layers.conv(layers.image(), {64, 64, 1, 1}, "a");
  const ir::ValueId b = layers.conv(a, {64, 64, 1, 1}, "b");
  const ir::ValueId c = layers.conv(b, {64, 64, 1, 1}, "c");
  const ir::Graph graph = layers.finish(layers.conv(c, {64, 64, 1, 1}, "d"));
  const OpenCudaPlan open = lower(graph, all_half(graph)).value();
  const auto replaces = [&](const char* name) -> bool {
    return replaces_previous(open, launch_of(open, name)).back();
  };
  EXPECT_TRUE(replaces("b"));
  EXPECT_FALSE(replaces("c"));  // b's launch is needed: it may be a's too
  EXPECT_TRUE(replaces("d"));
}

/// An INT8 block of 16 channels: expansion to 96, depthwise 3x3, projection, and what it adds to.
ir::Graph block_graph(bool expanded_is_output = false) {
  ir::GraphBuilder builder;
  const auto int8 = [&](ir::ValueId value, DType dtype) {
    builder.graph().value(value).dtype = dtype;
    builder.graph().value(value).scale = 0.05f;
    return value;
  };
  const auto conv = [&](ir::ValueId x, Shape weights, const char* name, std::int64_t groups,
                        DType dtype) {
    const std::int64_t pad = weights[2] / 2;
    return int8(builder.conv(x, builder.random_constant(std::move(weights)), ir::kNoValue,
                             {.pad = pad, .groups = groups}, name),
                dtype);
  };
  const ir::ValueId image = builder.input("x", {ir::Dim::symbol("batch"), 16, 14, 14});
  const ir::ValueId x = int8(builder.add(ir::Quantize{}, {image}, "q"), DType::kInt8);
  const ir::ValueId expanded = conv(x, {96, 16, 1, 1}, "expand", 1, DType::kUInt8);
  const ir::ValueId filtered = conv(expanded, {96, 1, 3, 3}, "filter", 96, DType::kUInt8);
  const ir::ValueId projected = conv(filtered, {16, 96, 1, 1}, "project", 1, DType::kInt8);
  builder.output(builder.add(ir::Dequantize{}, {projected}, "y"));
  if (expanded_is_output) builder.output(builder.add(ir::Dequantize{}, {expanded}, "e"));
  return builder.graph();
}

/// The tactic of each launch at the smallest batch.
std::vector<std::string> first_tactics(const OpenCudaPlan& open) {
  std::vector<std::string> tactics;
  for (const OpenLaunch& launch : open.launches) {
    tactics.push_back(launch.points[0].candidates.front().tactic);
  }
  return tactics;
}

TEST(CudaFusions, ComputesInvertedResidualBlocksInOneLaunch) {
  const ir::Graph graph = block_graph();
  OpenCudaPlan open = lower(graph, {{"expand", ir::Precision::kInt8}}).value();
  ASSERT_THAT(families(open), ElementsAre("Quantize", "Conv", "Conv", "Conv", "Quantize"));
  EXPECT_THAT(first_tactics(open)[3], testing::StartsWith("inverted_residual_"));
  // The projection's launch reads what the expansion's reads.
  EXPECT_THAT(open.plan->steps[3]->inputs, testing::Contains(open.plan->steps[1]->inputs[0]));
  leave_out_replaced(open);
  for (const std::size_t i : {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{3}}) {
    for (const BatchPoint& point : open.launches[i].points) {
      EXPECT_EQ(point.left_out, i == 1 || i == 2) << "launch " << i;
    }
  }
}

TEST(CudaFusions, KeepsAnExpansionThatOthersRead) {
  const ir::Graph graph = block_graph(/*expanded_is_output=*/true);
  const OpenCudaPlan open = lower(graph, {{"expand", ir::Precision::kInt8}}).value();
  for (const OpenLaunch& launch : open.launches) {
    for (const BatchPoint& point : launch.points) {
      EXPECT_LT(point.candidates.front().replaces_previous, 2);
    }
  }
}

TEST(ReplacedLaunches, ReplaceNothingWhereTheyAreLeftOut) {
  OpenCudaPlan open;
  open.launches.resize(4);
  for (OpenLaunch& launch : open.launches) launch.points = {{8, {{}}}};
  open.launches[3].points = {{1, {{}}}, {8, {{}}}};
  open.launches[3].points[0].candidates[0].replaces_previous = 1;
  open.launches[2].points[0].candidates[0].replaces_previous = 2;
  leave_out_replaced(open);
  const auto left_out = [&](std::size_t launch, std::int64_t batch) {
    return point_for(open.launches[launch], batch).left_out;
  };
  // Up to batch 1 the last launch replaces the third, which then replaces nothing.
  EXPECT_TRUE(left_out(2, 1));
  EXPECT_FALSE(left_out(1, 1));
  EXPECT_FALSE(left_out(0, 1));
  EXPECT_FALSE(left_out(2, 8));
  EXPECT_TRUE(left_out(1, 8));
  EXPECT_TRUE(left_out(0, 8));
}

/// softmax(x wq (x wk)T * 0.25) x wv over 2 heads of 32 and 16 tokens, as exporters write it.
ir::Graph attention_graph() {
  ir::GraphBuilder builder;
  const ir::ValueId x = builder.input("x", {ir::Dim::symbol("batch"), 16, 64});
  const auto heads = [&](const std::string& name, std::vector<std::int64_t> perm) {
    const ir::ValueId y = builder.matmul(x, builder.random_constant({64, 64}), ir::kNoValue, name);
    const ir::ValueId split =
        builder.reshape(y, {ir::Dim::symbol("batch"), 16, 2, 32}, name + "_split");
    return builder.transpose(split, std::move(perm), name + "_heads");
  };
  const ir::ValueId q = heads("q", {0, 2, 1, 3}), k = heads("k", {0, 2, 3, 1});
  const ir::ValueId scores =
      builder.multiply(builder.matmul(q, k, ir::kNoValue, "qk"),
                       builder.constant(Shape{}, std::vector<float>{0.25f}), "scaled");
  const ir::ValueId y = builder.matmul(builder.softmax(scores, 3, "weights"),
                                       heads("v", {0, 2, 1, 3}), ir::kNoValue, "pv");
  const ir::ValueId joined = builder.reshape(builder.transpose(y, {0, 2, 1, 3}, "tokens"),
                                             {ir::Dim::symbol("batch"), 16, 64}, "joined");
  builder.output(
      builder.matmul(joined, builder.random_constant({64, 64}), ir::kNoValue, "projected"));
  return builder.graph();
}

TEST(CudaFusions, ComputesAttentionInOneLaunch) {
  const ir::Graph graph = attention_graph();
  const OpenCudaPlan open = lower(graph, all_half(graph)).value();
  // The projections are one product of 192 columns, of which the attention reads thirds.
  EXPECT_THAT(families(open), ElementsAre("Transpose", "Gemm", "Attention", "Gemm"));
  const auto& operands = open.plan->steps[2]->params.AsCuda()->operands;
  ASSERT_EQ(operands.size(), 4u);
  EXPECT_EQ(operands[1]->offset_bytes, 128u);
  EXPECT_EQ(operands[2]->offset_bytes, 256u);
  EXPECT_EQ(operands[0]->tensor, operands[2]->tensor);
}

TEST(CudaFusions, LeavesAttentionInFp32AsItIs) {
  const ir::Graph graph = attention_graph();
  const OpenCudaPlan open = lower(graph, {{"weights", ir::Precision::kFp32}}).value();
  EXPECT_THAT(families(open), ::testing::Contains("Softmax"));
  EXPECT_THAT(families(open), ::testing::Not(::testing::Contains("Attention")));
}

}  // namespace
}  // namespace xinfer::lower
