// Every depthwise micro-kernel that this machine can run, against the reference: equal bytes.
#include "kernels/depthwise/depthwise.h"

#include <gtest/gtest.h>

#include "core/aligned_buffer.h"
#include "kernels/conv/conv_with.h"
#include "kernels/conv/problem_count.h"
#include "kernels/conv/random_problem.h"
#include "kernels/depthwise/depthwise_columns.h"
#include "kernels/depthwise/depthwise_kernel.h"
#include "kernels/depthwise/direct_depthwise.h"

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

/// A layer of problem `seed` made by `make(arguments, threads)`: right, and right again elsewhere.
template <typename Make>
void expect_reference(const RandomProblem& p, unsigned seed, const Make& make) {
  ThreadPool pool(static_cast<int>(seed % 3) + 1);
  auto weights = allocate_buffer(packed_depthwise_size(p.shape, p.type));
  pack_depthwise_weights(p.shape, p.type, p.weights.data(), weights.get());
  auto y = canary_output(p);
  const ConvArguments arguments{p.x.data(), weights.get(), y.data() + kCanaryBytes, p.epilogue};
  Result<std::unique_ptr<Convolution>> convolution = make(arguments, pool.threads());
  ASSERT_TRUE(convolution.ok()) << convolution.status().message();
  (*convolution)->run(pool);
  ASSERT_EQ(first_difference(reference_output(p), y), "")
      << "seed " << seed << ": " << p.description;
  auto other = canary_output(p);
  ConvArguments moved = arguments;
  moved.y = other.data() + kCanaryBytes;
  ASSERT_TRUE((*convolution)->rebind(moved));
  (*convolution)->run(pool);
  ASSERT_EQ(first_difference(y, other), "") << "rebound, seed " << seed;
}

TEST(DepthwiseColumns, EqualReference) {
  constexpr CpuIsa isa = CpuIsa::kAvx512Vnni;
  if (!supports(CpuIsa::kAvx512Vnni) || !__builtin_cpu_supports("avx512vbmi")) {
    GTEST_SKIP() << "this machine has no AVX-512 with VNNI and VBMI";
  }
  unsigned computed = 0;
  for (unsigned seed = 0; seed < problem_count(400); ++seed) {
    std::mt19937 random(seed);
    const ConvType type = seed % 2 == 0 ? ConvType::kU8S8 : ConvType::kS8S8;
    const RandomProblem p = make_random_problem(random, type, ProblemKind::kDepthwise3x3);
    std::byte y[4];
    const auto store = store_plan_of(p.shape, p.type, {.y = y, .epilogue = p.epilogue}, isa);
    ASSERT_TRUE(store.ok()) << store.status().message();
    if (!has_depthwise_columns(p.shape, p.type, *store, isa)) continue;
    ++computed;
    const auto make = [&](const ConvArguments& arguments,
                          int threads) -> Result<std::unique_ptr<Convolution>> {
      XINFER_ASSIGN_OR_RETURN(const StorePlan plan, store_plan_of(p.shape, p.type, arguments, isa));
      return make_depthwise_columns(p.shape, p.type, arguments, plan, threads);
    };
    ASSERT_NO_FATAL_FAILURE(expect_reference(p, seed, make));
  }
  EXPECT_GT(computed, problem_count(400) / 4);
}

class DirectDepthwise : public testing::TestWithParam<CpuIsa> {};

TEST_P(DirectDepthwise, EqualsReference) {
  if (!supports(GetParam())) GTEST_SKIP() << "this machine has no " << to_string(GetParam());
  unsigned computed = 0;
  for (unsigned seed = 0; seed < problem_count(400); ++seed) {
    std::mt19937 random(seed);
    const ProblemKind kind = seed % 2 == 0 ? ProblemKind::kDepthwise : ProblemKind::kDepthwise3x3;
    const RandomProblem p = make_random_problem(random, ConvType::kF32, kind);
    if (!has_direct_depthwise(p.shape, p.type, GetParam())) continue;
    ++computed;
    ASSERT_NO_FATAL_FAILURE(
        expect_reference(p, seed, [&](const ConvArguments& arguments, int threads) {
          return make_direct_depthwise(p.shape, arguments, GetParam(), threads);
        }));
  }
  EXPECT_GT(computed, problem_count(400) / 2);
}

INSTANTIATE_TEST_SUITE_P(InstructionSets, DirectDepthwise,
                         testing::Values(CpuIsa::kAvx2, CpuIsa::kAvx512Vnni),
                         [](const auto& isa) { return std::string(to_string(isa.param)); });

TEST(DirectDepthwiseLayers, HaveOneOutputChannelAGroupAndFloats) {
  ConvShape shape;
  shape.in_channels = shape.groups = 8;
  shape.out_channels = 8;
  EXPECT_TRUE(has_direct_depthwise(shape, ConvType::kF32, CpuIsa::kAvx2));
  EXPECT_FALSE(has_direct_depthwise(shape, ConvType::kF32, CpuIsa::kPortable));
  EXPECT_FALSE(has_direct_depthwise(shape, ConvType::kU8S8, CpuIsa::kAvx2));
  shape.out_channels = 16;
  EXPECT_FALSE(has_direct_depthwise(shape, ConvType::kF32, CpuIsa::kAvx2));
}

TEST(DepthwiseColumns, LeaveOtherLayersToTaps) {
  ConvShape shape;
  shape.in_channels = shape.out_channels = shape.groups = 16;
  shape.kernel_h = shape.kernel_w = 3;
  shape.in_h = shape.in_w = shape.out_h = shape.out_w = 4;
  shape.pad_top = shape.pad_left = 1;
  const std::vector<float> constants(16, 1.0f);
  Epilogue epilogue;
  epilogue.multiplier = epilogue.bias = constants.data();
  epilogue.output_dtype = DType::kUInt8;
  std::byte y[4];
  const auto applies = [&](CpuIsa isa) {
    const ConvArguments arguments{.y = y, .epilogue = epilogue};
    const auto store = store_plan_of(shape, ConvType::kU8S8, arguments, isa);
    return has_depthwise_columns(shape, ConvType::kU8S8, *store, isa);
  };
  EXPECT_FALSE(applies(CpuIsa::kAvx2));
  if (!supports(CpuIsa::kAvx512Vnni) || !__builtin_cpu_supports("avx512vbmi")) return;
  EXPECT_TRUE(applies(CpuIsa::kAvx512Vnni));
  shape.dilation_h = 2;
  EXPECT_FALSE(applies(CpuIsa::kAvx512Vnni));
  shape.dilation_h = 1;
  epilogue.output_dtype = DType::kFloat32;
  EXPECT_FALSE(applies(CpuIsa::kAvx512Vnni));
}

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
