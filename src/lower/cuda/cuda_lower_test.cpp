// Lowering to CUDA without a GPU: which launches a graph becomes, and what is refused by name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ir/build.h"
#include "lower/cuda/lower_cuda.h"

namespace xinfer::lower {
namespace {

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

TEST(CudaLowering, NamesTheLayerThatHasNoKernel) {
  ir::GraphBuilder builder;
  const ir::ValueId x = builder.input("x", {ir::Dim::symbol("batch"), 8});
  builder.output(builder.unary(kernels::Unary::kAtanh, x, "strange"));
  const Result<OpenCudaPlan> open = lower(builder.graph());
  ASSERT_FALSE(open.ok());
  EXPECT_EQ(open.status().code(), ErrorCode::kUnsupported);
  EXPECT_THAT(open.status().message(), HasSubstr("cuda:sm_90a: step \"strange\" (Unary)"));
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
