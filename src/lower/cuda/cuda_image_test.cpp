// u8 images as inputs of plans for GPUs: who converts them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ir/build.h"
#include "lower/cuda/test_plans.h"

namespace xinfer::lower {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// A u8 image of 32 x 32 x 3, float32 or s8, through a convolution of this stride.
ir::Graph image_graph(bool int8, std::int64_t stride) {
  ir::GraphBuilder builder;
  const ir::ValueId image =
      builder.graph().add_input("image", DType::kUInt8, {ir::Dim::symbol("batch"), 32, 32, 3});
  const ir::ValueId x = builder.add(
      ir::ConvertImage{1.0 / 255, {0.4, 0.5, 0.6}, {0.2, 0.3, 0.4}, true}, {image}, "x");
  if (int8) {
    builder.graph().value(x).dtype = DType::kInt8;
    builder.graph().value(x).scale = 0.02f;
  }
  builder.output(builder.conv(x, builder.random_constant({16, 3, 7, 7}), ir::kNoValue,
                              {.stride = stride, .pad = 3}, "c1"));
  return builder.graph();
}

std::vector<int> operands_of(const engine::fb::StepT& step) {
  std::vector<int> operands;
  for (const auto& operand : step.params.AsCuda()->operands) operands.push_back(operand->operand);
  return operands;
}

constexpr int kTables = static_cast<int>(kernels::cuda::Operand::kInput2);

TEST(CudaImage, IsReadByTheFirstConvolutionItself) {
  const OpenCudaPlan open =
      lower(image_graph(false, 2), {{"c1", ir::Precision::kFp16}}, "sm_90a").value();
  EXPECT_THAT(families(open), ElementsAre("Stem", "Transpose"));
  EXPECT_THAT(operands_of(*open.plan->steps[0]), Contains(kTables));
  for (const BatchPoint& point : open.launches[0].points) {
    EXPECT_THAT(point.candidates.front().tactic, StartsWith("stem_"));
    EXPECT_THAT(point.candidates.front().layer, HasSubstr("kByteImage = true"));
  }
}

TEST(CudaImage, IsStoredInBlocksWhereTheStemKernelDoesNotServe) {
  const OpenCudaPlan open =
      lower(image_graph(true, 2), {{"c1", ir::Precision::kInt8}}, "sm_80").value();
  EXPECT_THAT(families(open), ElementsAre("ConvertImage", "Conv", "Transpose"));
  const auto& plan = *open.plan;
  const auto& blocks = *plan.tensors[static_cast<std::size_t>(plan.steps[0]->outputs[0])];
  EXPECT_EQ(static_cast<DType>(blocks.dtype), DType::kInt8);
  EXPECT_EQ(plan.dims[blocks.dims[1]].value(), 16);
  EXPECT_EQ(plan.dims[blocks.dims[3]].value(), 12);
  EXPECT_THAT(operands_of(*plan.steps[0]), Contains(kTables));
}

TEST(CudaImage, TakesTheTypeOfTheLayerThatReadsIt) {
  for (const auto& [precision, type] : {std::pair(ir::Precision::kFp32, DType::kFloat32),
                                        std::pair(ir::Precision::kFp16, DType::kFloat16)}) {
    const OpenCudaPlan open = lower(image_graph(false, 1), {{"c1", precision}}, "sm_80").value();
    EXPECT_THAT(families(open), ElementsAre("ConvertImage", "Conv", "Transpose"));
    const auto& plan = *open.plan;
    const auto& pixels = *plan.tensors[static_cast<std::size_t>(plan.steps[0]->outputs[0])];
    EXPECT_EQ(static_cast<DType>(pixels.dtype), type);
  }
}

}  // namespace
}  // namespace xinfer::lower
