// Lowering to CUDA without a GPU: which launches a graph becomes, and what is refused by name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ir/build.h"
#include "lower/cuda/late_waits.h"
#include "lower/cuda/test_plans.h"

namespace xinfer::lower {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

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
  const OpenCudaPlan open = lower(stem_graph(), {}, "sm_90a", CudaBackend::kMma).value();
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

TEST(CudaLowering, StoresInFp16WhatFp16LayersShare) {
  const OpenCudaPlan open =
      lower(two_convolutions(), {{"c1", ir::Precision::kFp16}, {"c2", ir::Precision::kFp16}})
          .value();
  // The caller's input becomes FP16 channels last at once; the caller's output stays float32.
  EXPECT_THAT(families(open), ElementsAre("Transpose", "Conv", "Conv", "Transpose"));
  EXPECT_THAT(written_types(open),
              ElementsAre(DType::kFloat16, DType::kFloat16, DType::kFloat16, DType::kFloat32));
  EXPECT_THAT(open.launches[1].points[0].candidates.front().layer,
              HasSubstr("kInElem = xi::Elem::kF16"));
}

TEST(CudaLowering, ConvertsBetweenFp32AndFp16Layers) {
  const OpenCudaPlan open =
      lower(two_convolutions(), {{"c1", ir::Precision::kFp32}, {"c2", ir::Precision::kFp16}})
          .value();
  EXPECT_THAT(families(open), ElementsAre("Transpose", "Conv", "Copy", "Conv", "Transpose"));
  EXPECT_THAT(written_types(open), ElementsAre(DType::kFloat32, DType::kFloat32, DType::kFloat16,
                                               DType::kFloat16, DType::kFloat32));
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
  const OpenCudaPlan open = lower(graph, all_half(graph)).value();
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
  const OpenCudaPlan open = lower(graph, all_half(graph)).value();
  EXPECT_THAT(families(open),
              ElementsAre("Transpose", "Conv", "Conv", "Concat", "Conv", "Transpose"));
}

TEST(CudaLowering, LetsBranchesOverlap) {
  const ir::Graph graph = branches_graph(32, {"c1", "c2"});
  OpenCudaPlan open = lower(graph, all_half(graph)).value();
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
  OpenCudaPlan open = lower(graph, all_half(graph)).value();
  choose_late_waits(open);
  std::vector<bool> late;
  for (const OpenLaunch& launch : open.launches) {
    late.push_back(launch.points[0].candidates.front().waits_late);
  }
  // Behind a launch that waits late nobody knows whether the one before it has ended.
  EXPECT_THAT(late, ElementsAre(false, false, true, false, true, false, false));
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
