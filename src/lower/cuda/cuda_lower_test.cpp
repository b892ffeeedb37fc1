// Lowering to CUDA without a GPU: which launches a graph becomes, and what is refused by name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "ir/build.h"
#include "lower/cuda/late_waits.h"
#include "lower/cuda/lower_cuda.h"
#include "lower/cuda/replaced_launches.h"

namespace xinfer::lower {
namespace {

using kernels::cuda::Operand;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const SymbolRanges kSymbols = {{"batch", {1, 8, 64}}, {"height", {8, 16, 32}}};

Result<OpenCudaPlan> lower(const ir::Graph& graph, const std::string& architecture = "sm_90a",
                           CudaBackend backend = CudaBackend::kAuto) {
  engine::BlobWriter blobs;
  return lower_cuda(graph, kSymbols, make_cuda_target(architecture, backend).value(), blobs);
}

std::vector<std::string> families(const OpenCudaPlan& open) {
  std::vector<std::string> result;
  for (const auto& step : open.plan->steps) result.push_back(step->params.AsCuda()->family);
  return result;
}

/// [batch, 3, 32, 32] float32, quantised, through a convolution of stride 2 with 24 outputs.
ir::Graph stem_graph() {
  ir::GraphBuilder builder;
  const ir::ValueId x = builder.input("x", {ir::Dim::symbol("batch"), 3, 32, 32});
  const ir::ValueId q = builder.add(ir::Quantize{}, {x}, "q");
  builder.graph().value(q).dtype = DType::kInt8;
  builder.graph().value(q).scale = 0.05f;
  builder.output(builder.conv(q, builder.random_constant({24, 3, 3, 3}), ir::kNoValue,
                              {.stride = 2, .pad = 1}));
  return builder.graph();
}

TEST(CudaLowering, OffersKernelsForEveryBatchPoint) {
  ir::GraphBuilder builder;
  const ir::ValueId x = builder.input("x", {ir::Dim::symbol("batch"), 8, 16, 16});
  builder.output(builder.conv(x, builder.random_constant({16, 8, 3, 3})));
  const OpenCudaPlan open = lower(builder.graph()).value();
  EXPECT_EQ(open.plan->target, "cuda:sm_90a");
  // The caller's input to channels last, the convolution, and back.
  EXPECT_THAT(families(open), ElementsAre("Transpose", "Conv", "Transpose"));
  std::vector<std::int64_t> batches;
  for (const BatchPoint& point : open.launches[1].points) batches.push_back(point.largest_batch);
  EXPECT_THAT(batches, ElementsAre(1, 8, 32, 64));
}

TEST(CudaLowering, StoresFirstLayersInBlocks) {
  const OpenCudaPlan open = lower(stem_graph()).value();
  EXPECT_THAT(families(open), ElementsAre("Quantize", "Conv", "Transpose"));
  const auto& plan = *open.plan;
  const auto& blocks = *plan.tensors[static_cast<std::size_t>(plan.steps[0]->outputs[0])];
  EXPECT_EQ(blocks.pixel_stride, 16u);
  EXPECT_EQ(plan.dims[blocks.dims[1]].value(), 16);
  EXPECT_EQ(plan.dims[blocks.dims[3]].value(), 12);
}

TEST(CudaLowering, TakesTheBackendThatIsAskedFor) {
  const OpenCudaPlan open = lower(stem_graph(), "sm_90a", CudaBackend::kMma).value();
  for (const BatchPoint& point : open.launches[1].points) {
    EXPECT_THAT(point.candidates.front().tactic, HasSubstr("mma_"));
    EXPECT_FALSE(point.candidates.front().architecture_specific);
  }
}

TEST(CudaLowering, RefusesDynamicSizesBesideTheBatch) {
  ir::GraphBuilder builder;
  const ir::ValueId x =
      builder.input("x", {ir::Dim::symbol("batch"), 8, ir::Dim::symbol("height"), 16});
  builder.output(builder.conv(x, builder.random_constant({16, 8, 3, 3}), ir::kNoValue, {}, "c1"));
  const Result<OpenCudaPlan> open = lower(builder.graph());
  ASSERT_FALSE(open.ok());
  EXPECT_EQ(open.status().code(), ErrorCode::kUnsupported);
  EXPECT_THAT(open.status().message(), HasSubstr("dynamic; supported: the first, the batch"));
}

ir::Graph resize_graph(double channel_scale) {
  ir::GraphBuilder builder;
  const ir::ValueId x = builder.input("x", {ir::Dim::symbol("batch"), 16, 8, 8});
  ir::Resize resize;
  resize.coordinates = kernels::CoordinateMode::kAsymmetric;
  resize.nearest = kernels::NearestMode::kFloor;
  resize.scales = {1, channel_scale, 2, 2};
  resize.size = {ir::Dim::symbol("batch"), static_cast<std::int64_t>(16 * channel_scale), 16, 16};
  builder.output(builder.add(resize, {x}, "up"));
  return builder.graph();
}

TEST(CudaLowering, ResizesHeightAndWidth) {
  const OpenCudaPlan open = lower(resize_graph(1)).value();
  EXPECT_THAT(families(open), ElementsAre("Transpose", "Resize", "Transpose"));
  EXPECT_EQ(open.launches[1].points[0].candidates[0].tactic, "resize_nearest");
}

TEST(CudaLowering, RefusesToResizeChannels) {
  const Result<OpenCudaPlan> open = lower(resize_graph(2));
  ASSERT_FALSE(open.ok());
  EXPECT_THAT(open.status().message(), HasSubstr("other axes than height and width"));
}

TEST(CudaLowering, NamesTheLayerThatHasNoKernel) {
  ir::GraphBuilder builder;
  const ir::ValueId x = builder.input("x", {ir::Dim::symbol("batch"), 8});
  ir::Reduce reduce;
  reduce.axes = {0};
  builder.output(builder.add(reduce, {x}, "strange"));
  const Result<OpenCudaPlan> open = lower(builder.graph());
  ASSERT_FALSE(open.ok());
  EXPECT_EQ(open.status().code(), ErrorCode::kUnsupported);
  EXPECT_THAT(open.status().message(), HasSubstr("cuda:sm_90a: step \"strange\" (Reduce)"));
  EXPECT_THAT(open.status().message(), HasSubstr("the batch, batch, is moved"));
}

/// Two convolutions between the caller's tensors.
ir::Graph two_convolutions() {
  ir::GraphBuilder builder;
  const ir::ValueId x = builder.input("x", {ir::Dim::symbol("batch"), 8, 16, 16});
  const ir::ValueId middle =
      builder.conv(x, builder.random_constant({24, 8, 3, 3}), ir::kNoValue, {.pad = 1}, "c1");
  builder.output(
      builder.conv(middle, builder.random_constant({16, 24, 1, 1}), ir::kNoValue, {}, "c2"));
  return builder.graph();
}

/// The types of what the launches write, in order.
std::vector<DType> written_types(const OpenCudaPlan& open) {
  std::vector<DType> types;
  for (const auto& step : open.plan->steps) {
    types.push_back(
        static_cast<DType>(open.plan->tensors[static_cast<std::size_t>(step->outputs[0])]->dtype));
  }
  return types;
}

OpenCudaPlan lower_with(const ir::Graph& graph, const NodePrecisions& precisions) {
  engine::BlobWriter blobs;
  return lower_cuda(graph, kSymbols, make_cuda_target("sm_90a", CudaBackend::kAuto).value(), blobs,
                    precisions)
      .value();
}

TEST(CudaLowering, StoresInFp16WhatFp16LayersShare) {
  const OpenCudaPlan open =
      lower_with(two_convolutions(), {{"c1", ir::Precision::kFp16}, {"c2", ir::Precision::kFp16}});
  // The caller's input becomes FP16 channels last at once; the caller's output stays float32.
  EXPECT_THAT(families(open), ElementsAre("Transpose", "Conv", "Conv", "Transpose"));
  EXPECT_THAT(written_types(open),
              ElementsAre(DType::kFloat16, DType::kFloat16, DType::kFloat16, DType::kFloat32));
  EXPECT_THAT(open.launches[1].points[0].candidates.front().layer,
              HasSubstr("kInElem = xi::Elem::kF16"));
}

TEST(CudaLowering, ConvertsBetweenFp32AndFp16Layers) {
  const OpenCudaPlan open =
      lower_with(two_convolutions(), {{"c1", ir::Precision::kFp32}, {"c2", ir::Precision::kFp16}});
  EXPECT_THAT(families(open), ElementsAre("Transpose", "Conv", "Copy", "Conv", "Transpose"));
  EXPECT_THAT(written_types(open), ElementsAre(DType::kFloat32, DType::kFloat32, DType::kFloat16,
                                               DType::kFloat16, DType::kFloat32));
}

NodePrecisions all_half(const ir::Graph& graph) {
  NodePrecisions precisions;
  for (const ir::NodeId id : graph.order()) {
    precisions[graph.node(id).name] = ir::Precision::kFp16;
  }
  return precisions;
}

/// Branches of so many channels each, concatenated for one more convolution.
ir::Graph branches_graph(std::int64_t channels, const std::vector<std::string>& branches) {
  ir::GraphBuilder builder;
  const ir::ValueId x = builder.input("x", {ir::Dim::symbol("batch"), 16, 16, 16});
  std::vector<ir::ValueId> made;
  for (const std::string& name : branches) {
    made.push_back(
        builder.conv(x, builder.random_constant({channels, 16, 1, 1}), ir::kNoValue, {}, name));
  }
  const auto joined_channels = static_cast<std::int64_t>(branches.size()) * channels;
  const ir::ValueId joined = builder.add(ir::Concat{1}, made, "joined");
  builder.output(builder.conv(joined, builder.random_constant({16, joined_channels, 1, 1}),
                              ir::kNoValue, {}, "last"));
  return builder.graph();
}

TEST(CudaLowering, WritesBranchesWhereTheirConcatenationLies) {
  const ir::Graph graph = branches_graph(32, {"c1", "c2"});
  const OpenCudaPlan open = lower_with(graph, all_half(graph));
  EXPECT_THAT(families(open), ElementsAre("Transpose", "Conv", "Conv", "Conv", "Transpose"));
  const auto& tensors = open.plan->tensors;
  const auto written = [&](std::size_t step) -> const engine::fb::TensorT& {
    return *tensors[static_cast<std::size_t>(open.plan->steps[step]->outputs[0])];
  };
  EXPECT_EQ(written(2).view_of, open.plan->steps[3]->inputs[0]);
  EXPECT_EQ(written(1).channel_offset, 0u);
  EXPECT_EQ(written(2).channel_offset, 32u);
  EXPECT_THAT(open.launches[1].points[0].candidates.front().layer,
              testing::AllOf(HasSubstr("kOutPitch = 64"), HasSubstr("kStoredChannels = 32")));
}

TEST(CudaLowering, CopiesBranchesThatAreNoWholeGranules) {
  const ir::Graph graph = branches_graph(12, {"c1", "c2"});
  const OpenCudaPlan open = lower_with(graph, all_half(graph));
  EXPECT_THAT(families(open),
              ElementsAre("Transpose", "Conv", "Conv", "Concat", "Conv", "Transpose"));
}

TEST(CudaLowering, LetsBranchesOverlap) {
  const ir::Graph graph = branches_graph(32, {"c1", "c2"});
  OpenCudaPlan open = lower_with(graph, all_half(graph));
  choose_late_waits(open);
  const auto waits_late = [&](std::size_t launch) {
    return open.launches[launch].points[0].candidates.front().waits_late;
  };
  EXPECT_FALSE(waits_late(1));  // behind a kernel that lets it start too early
  EXPECT_TRUE(waits_late(2));
  EXPECT_FALSE(waits_late(3));  // reads what its predecessor writes
  EXPECT_THAT(open.launches[2].points[0].candidates.front().tactic, testing::EndsWith("_late"));
}

TEST(CudaLowering, OverlapsNoMoreThanTwoInARow) {
  const ir::Graph graph = branches_graph(32, {"c1", "c2", "c3", "c4"});
  OpenCudaPlan open = lower_with(graph, all_half(graph));
  choose_late_waits(open);
  std::vector<bool> late;
  for (const OpenLaunch& launch : open.launches) {
    late.push_back(launch.points[0].candidates.front().waits_late);
  }
  // Behind a launch that waits late nobody knows whether the one before it has ended.
  EXPECT_THAT(late, ElementsAre(false, false, true, false, true, false, false));
}

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

TEST(CudaLowering, AveragesAndMultipliesInOneLaunchAtSmallBatches) {
  const ir::Graph graph = classifier_graph();
  OpenCudaPlan open = lower_with(graph, all_half(graph));
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

TEST(CudaLowering, KeepsTheAverageThatOthersRead) {
  const ir::Graph graph = classifier_graph(/*average_is_output=*/true);
  const OpenCudaPlan open = lower_with(graph, all_half(graph));
  for (std::size_t i = 0; i < open.launches.size(); ++i) {
    EXPECT_THAT(replaces_previous(open, i), testing::Not(testing::Contains(true)));
  }
}

TEST(CudaLowering, KeepsTheAverageBeforeClusters) {
  const ir::Graph graph = classifier_graph();
  engine::BlobWriter blobs;
  const OpenCudaPlan open =
      lower_cuda(graph, kSymbols, make_cuda_target("sm_80", CudaBackend::kAuto).value(), blobs,
                 all_half(graph))
          .value();
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

TEST(CudaLowering, ConvertsConvolvesAndPoolsInOneLaunch) {
  const ir::Graph graph = image_graph(true);
  const OpenCudaPlan open = lower_with(graph, all_half(graph));
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

TEST(CudaLowering, ConvertsAndConvolvesInOneLaunchWithoutPooling) {
  const ir::Graph graph = image_graph(false);
  EXPECT_THAT(families(lower_with(graph, all_half(graph))),
              ElementsAre("Stem", "Conv", "Transpose"));
}

TEST(CudaLowering, KeepsLaunchesApartThatTheStemKernelDoesNotServe) {
  const ir::Graph wide = image_graph(true, 144);  // more channels than a block holds
  EXPECT_THAT(families(lower_with(wide, all_half(wide))),
              ElementsAre("Transpose", "Conv", "Pool", "Conv", "Transpose"));
  const ir::Graph graph = image_graph(true);
  engine::BlobWriter blobs;
  const CudaTarget ampere = make_cuda_target("sm_80", CudaBackend::kAuto).value();
  EXPECT_THAT(families(lower_cuda(graph, kSymbols, ampere, blobs, all_half(graph)).value()),
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

TEST(CudaLowering, ComputesAnExpansionAndItsReductionInOneLaunchAtLargeBatches) {
  const ir::Graph graph = blocks_graph();
  OpenCudaPlan open = lower_with(graph, all_half(graph));
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

TEST(CudaLowering, KeepsAnExpansionBeforeALargerKernel) {
  const ir::Graph graph = blocks_graph(3);
  const OpenCudaPlan open = lower_with(graph, all_half(graph));
  for (std::size_t i = 0; i < open.launches.size(); ++i) {
    EXPECT_THAT(replaces_previous(open, i), testing::Not(testing::Contains(true)));
  }
}

TEST(CudaLowering, KeepsEveryLayerApartWhereValuesAreObserved) {
  const OpenCudaPlan open = lower(blocks_graph()).value();
  for (std::size_t i = 0; i < open.launches.size(); ++i) {
    EXPECT_THAT(replaces_previous(open, i), testing::Not(testing::Contains(true)));
  }
}

TEST(CudaLowering, ReplacesNoLaunchThatReplacesAnother) {
  Int8Graph layers(64, 56);
  const ir::ValueId a = layers.conv(layers.image(), {64, 64, 1, 1}, "a");
  const ir::ValueId b = layers.conv(a, {64, 64, 1, 1}, "b");
  const ir::ValueId c = layers.conv(b, {64, 64, 1, 1}, "c");
  const ir::Graph graph = layers.finish(layers.conv(c, {64, 64, 1, 1}, "d"));
  const OpenCudaPlan open = lower_with(graph, all_half(graph));
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

TEST(CudaLowering, ComputesInvertedResidualBlocksInOneLaunch) {
  const ir::Graph graph = block_graph();
  OpenCudaPlan open = lower_with(graph, {{"expand", ir::Precision::kInt8}});
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

TEST(CudaLowering, KeepsAnExpansionThatOthersRead) {
  const ir::Graph graph = block_graph(/*expanded_is_output=*/true);
  const OpenCudaPlan open = lower_with(graph, {{"expand", ir::Precision::kInt8}});
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

TEST(CudaLowering, ComputesAttentionInOneLaunch) {
  const ir::Graph graph = attention_graph();
  const OpenCudaPlan open = lower_with(graph, all_half(graph));
  // The projections are one product of 192 columns, of which the attention reads thirds.
  EXPECT_THAT(families(open), ElementsAre("Transpose", "Gemm", "Attention", "Gemm"));
  const auto& operands = open.plan->steps[2]->params.AsCuda()->operands;
  ASSERT_EQ(operands.size(), 4u);
  EXPECT_EQ(operands[1]->offset_bytes, 128u);
  EXPECT_EQ(operands[2]->offset_bytes, 256u);
  EXPECT_EQ(operands[0]->tensor, operands[2]->tensor);
}

TEST(CudaLowering, LeavesAttentionInFp32AsItIs) {
  const ir::Graph graph = attention_graph();
  const OpenCudaPlan open = lower_with(graph, {{"weights", ir::Precision::kFp32}});
  EXPECT_THAT(families(open), ::testing::Contains("Softmax"));
  EXPECT_THAT(families(open), ::testing::Not(::testing::Contains("Attention")));
}

TEST(CudaLowering, ForgetsConstantsThatNoLaunchReads) {
  ir::GraphBuilder builder;
  const ir::ValueId x = builder.input("x", {ir::Dim::symbol("batch"), 4, 8});
  builder.output(builder.add(ir::Gather{1}, {x, builder.integers({1}, {2})}, "row"));
  const OpenCudaPlan open = lower(builder.graph()).value();
  EXPECT_THAT(families(open), ElementsAre("Gather"));
  for (const auto& tensor : open.plan->tensors) {
    EXPECT_NE(tensor->storage, engine::fb::Storage::Constant);
    if (tensor->storage != engine::fb::Storage::Arena) continue;
    // Forgotten tensors lie in an arena that holds nothing: they must be empty.
    ASSERT_EQ(tensor->dims.size(), 1u);
    EXPECT_EQ(open.plan->dims[tensor->dims[0]].value(), 0);
  }
  EXPECT_EQ(open.plan->arena_bytes, 0u);
}

TEST(CudaTarget, NamesTheKnownArchitectures) {
  const Result<CudaTarget> target = make_cuda_target("sm_75", CudaBackend::kAuto);
  ASSERT_FALSE(target.ok());
  EXPECT_THAT(target.status().message(), HasSubstr("sm_80, sm_86, sm_89, sm_90a"));
  EXPECT_FALSE(make_cuda_target("sm_80", CudaBackend::kWgmma).ok());
  EXPECT_EQ(architecture_of(90), "sm_90a");
}

}  // namespace
}  // namespace xinfer::lower
