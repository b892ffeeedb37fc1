// Every depthwise micro-kernel that this machine can run, against the reference: equal bytes.
#include "kernels/depthwise/depthwise.h"

#include <gtest/gtest.h>

#include "core/aligned_buffer.h"
#include "kernels/conv/problem_count.h"
#include "kernels/conv/random_problem.h"
#include "kernels/depthwise/depthwise_kernel.h"

namespace xinfer::kernels {
namespace {

class DepthwiseVariant : public testing::TestWithParam<DepthwiseKernel> {};

ConvType type_for(const DepthwiseKernel& kernel, unsigned seed) {
  if (kernel.float32) return ConvType::kF32;
  return seed % 2 == 0 ? ConvType::kU8S8 : ConvType::kS8S8;
}

TEST_P(DepthwiseVariant, EqualsReference) {
  const DepthwiseKernel& kernel = GetParam();
  if (!supports(kernel.isa)) GTEST_SKIP() << "this machine has no " << to_string(kernel.isa);
  ThreadPool pools[] = {ThreadPool(1), ThreadPool(2), ThreadPool(3)};
  for (unsigned seed = 0; seed < problem_count(400); ++seed) {
    std::mt19937 random(seed);
    const RandomProblem p =
        make_random_problem(random, type_for(kernel, seed), ProblemKind::kDepthwise);
    auto weights = allocate_buffer(packed_depthwise_size(p.shape, p.type));
    pack_depthwise_weights(p.shape, p.type, p.weights.data(), weights.get());
    auto y = canary_output(p);
    const ConvArguments arguments{p.x.data(), weights.get(), y.data() + kCanaryBytes, p.epilogue};
    ThreadPool& pool = pools[seed % 3];
    auto convolution =
        make_depthwise_with(kernel, p.shape, p.type, arguments, kernel.isa, pool.threads());
    ASSERT_TRUE(convolution.ok()) << convolution.status().message();
    (*convolution)->run(pool);
    (*convolution)->run(pool);  // nothing of the first run may remain in the lines
    ASSERT_EQ(first_difference(reference_output(p), y), "")
        << "seed " << seed << ": " << p.description;
  }
}

INSTANTIATE_TEST_SUITE_P(Variants, DepthwiseVariant,
                         testing::ValuesIn(depthwise_kernels().begin(), depthwise_kernels().end()),
                         [](const auto& variant) { return std::string(variant.param.name); });

TEST(Depthwise, RefusesOrdinaryConvolutions) {
  ConvShape shape;
  shape.in_channels = shape.x_pixel_stride = 8;
  shape.out_channels = shape.y_pixel_stride = 8;
  shape.groups = 4;
  EXPECT_FALSE(is_depthwise(shape));
  const auto made = make_depthwise(shape, ConvType::kF32, {}, CpuIsa::kPortable, 1);
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.status().message(),
            "depthwise convolution of 8 channels in 4 groups; needed: one channel a group");
}

}  // namespace
}  // namespace xinfer::kernels
