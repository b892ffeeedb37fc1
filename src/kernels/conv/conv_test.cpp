// Every micro-kernel of variants.inc that this machine can run, against the reference: equal bytes.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "core/aligned_buffer.h"
#include "kernels/conv/conv_with.h"
#include "kernels/conv/problem_count.h"
#include "kernels/conv/random_problem.h"

namespace xinfer::kernels {
namespace {

class GemmVariant : public testing::TestWithParam<GemmKernel> {};

std::shared_ptr<void> packed(const RandomProblem& p) {
  auto buffer = allocate_buffer(packed_weights_size(p.shape, p.type));
  pack_weights(p.shape, p.type, p.weights.data(), buffer.get());
  return buffer;
}

TEST_P(GemmVariant, EqualsReference) {
  const GemmKernel& kernel = GetParam();
  if (!supports(kernel.isa)) GTEST_SKIP() << "this machine has no " << to_string(kernel.isa);
  ThreadPool pools[] = {ThreadPool(1), ThreadPool(2), ThreadPool(3)};
  for (unsigned seed = 0; seed < problem_count(400); ++seed) {
    std::mt19937 random(seed);
    const ProblemKind kind = kernel.run_strip == nullptr ? ProblemKind::kAny
                             : seed % 4 == 0             ? ProblemKind::kDeep
                             : seed % 4 == 1             ? ProblemKind::kLines
                                                         : ProblemKind::kAny;
    const RandomProblem p = make_random_problem(random, kernel.type, kind);
    const auto weights = packed(p);
    auto y = canary_output(p);
    const ConvArguments arguments{p.x.data(), weights.get(), y.data() + kCanaryBytes, p.epilogue};
    ThreadPool& pool = pools[seed % 3];
    auto convolution =
        make_convolution_with(kernel, p.shape, arguments, kernel.isa, pool.threads());
    ASSERT_TRUE(convolution.ok()) << convolution.status().message();
    (*convolution)->run(pool);
    ASSERT_EQ(first_difference(reference_output(p), y), "")
        << "seed " << seed << ": " << p.description;
  }
}

/// Every tactic of a problem gives the same bytes.
TEST_P(GemmVariant, TacticsDoNotChangeResults) {
  const GemmKernel& kernel = GetParam();
  if (!supports(kernel.isa)) GTEST_SKIP() << "this machine has no " << to_string(kernel.isa);
  ThreadPool pool(2);
  for (unsigned seed = 0; seed < 60; ++seed) {
    std::mt19937 random(seed);
    constexpr ProblemKind kKinds[] = {ProblemKind::kAny, ProblemKind::kLines, ProblemKind::kDeep};
    const RandomProblem p = make_random_problem(random, kernel.type, kKinds[seed % 3]);
    const auto weights = packed(p);
    const auto expected = reference_output(p);
    const std::vector<ConvTactic> tactics = list_tactics(p.shape, kernel, pool.threads());
    ASSERT_FALSE(tactics.empty());
    for (const ConvTactic& tactic : tactics) {
      auto y = canary_output(p);
      const ConvArguments arguments{p.x.data(), weights.get(), y.data() + kCanaryBytes, p.epilogue};
      auto convolution =
          make_convolution_with(kernel, p.shape, arguments, kernel.isa, pool.threads(), &tactic);
      ASSERT_TRUE(convolution.ok()) << convolution.status().message();
      (*convolution)->run(pool);
      ASSERT_EQ(first_difference(expected, y), "")
          << "seed " << seed << ", " << to_string(tactic) << ": " << p.description;
      const auto parsed = parse_tactic(to_string(tactic));
      ASSERT_TRUE(parsed.ok()) << parsed.status().message();
      ASSERT_EQ(*parsed, tactic);
    }
  }
}

/// Shapes large enough for several threads, row blocks and weights that do not fit a cache.
struct LargeShape {
  std::int64_t in_channels, out_channels, kernel, size, batch;
};
constexpr LargeShape kLargeShapes[] = {{512, 96, 3, 7, 1},
                                       {64, 40, 3, 30, 2},
                                       {3, 33, 7, 40, 1},
                                       {2048, 300, 1, 1, 1},
                                       {96, 200, 1, 33, 1}};

TEST_P(GemmVariant, EqualsReferenceOnLargeShapes) {
  const GemmKernel& kernel = GetParam();
  if (!supports(kernel.isa)) GTEST_SKIP() << "this machine has no " << to_string(kernel.isa);
  ThreadPool pools[] = {ThreadPool(1), ThreadPool(2), ThreadPool(3)};
  std::mt19937 random(7);
  for (const LargeShape& large : kLargeShapes) {
    ConvShape s;
    s.batch = large.batch;
    s.in_h = s.in_w = s.out_h = s.out_w = large.size;
    s.in_channels = s.x_pixel_stride = large.in_channels;
    s.out_channels = s.y_pixel_stride = large.out_channels;
    s.kernel_h = s.kernel_w = large.kernel;
    s.pad_top = s.pad_left = large.kernel / 2;
    const RandomProblem p = make_random_problem_of(random, kernel.type, s);
    const auto weights = packed(p);
    const auto expected = reference_output(p);
    for (ThreadPool& pool : pools) {
      auto y = canary_output(p);
      const ConvArguments arguments{p.x.data(), weights.get(), y.data() + kCanaryBytes, p.epilogue};
      auto convolution =
          make_convolution_with(kernel, p.shape, arguments, kernel.isa, pool.threads());
      ASSERT_TRUE(convolution.ok()) << convolution.status().message();
      (*convolution)->run(pool);
      ASSERT_EQ(first_difference(expected, y), "")
          << pool.threads() << " threads: " << p.description;
    }
  }
}

/// Lines of every width, so tiles of all rows; one panel, and several of which the last is alone.
TEST_P(GemmVariant, EqualsReferenceOnLinesOfEveryWidth) {
  const GemmKernel& kernel = GetParam();
  if (!supports(kernel.isa)) GTEST_SKIP() << "this machine has no " << to_string(kernel.isa);
  ThreadPool pool(1);
  for (std::int64_t width = 1; width <= 30; ++width) {
    std::mt19937 random(static_cast<unsigned>(width));
    ConvShape s;
    s.in_h = s.out_h = 3;
    s.in_w = s.out_w = width;
    s.in_channels = s.x_pixel_stride = 4 * (1 + width % 5);
    s.out_channels = s.y_pixel_stride = width % 3 == 0 ? 7 : 16 * (width % 3);
    s.out_channels = s.y_pixel_stride += width % 2 == 0 ? 32 : 0;
    s.kernel_h = s.kernel_w = 3;
    s.pad_top = s.pad_left = 1;
    const RandomProblem p = make_random_problem_of(random, kernel.type, s);
    const auto weights = packed(p);
    auto y = canary_output(p);
    const ConvArguments arguments{p.x.data(), weights.get(), y.data() + kCanaryBytes, p.epilogue};
    auto convolution =
        make_convolution_with(kernel, p.shape, arguments, kernel.isa, pool.threads());
    ASSERT_TRUE(convolution.ok()) << convolution.status().message();
    (*convolution)->run(pool);
    ASSERT_EQ(first_difference(reference_output(p), y), "") << "width " << width;
  }
}

/// Residuals moved to copies of themselves.
Epilogue with_copied_residuals(const RandomProblem& p,
                               std::vector<std::vector<std::uint8_t>>* copies) {
  Epilogue epilogue = p.epilogue;
  *copies = p.residuals;
  for (std::size_t i = 0; i < copies->size(); ++i) {
    for (EpilogueStep& step : epilogue.steps) {
      if (step.residual == p.residuals[i].data()) step.residual = (*copies)[i].data();
    }
  }
  return epilogue;
}

/// After rebinding, nothing of the first addresses is read or written, and bytes are those of a
/// convolution that was made with the second ones.
TEST_P(GemmVariant, RebindsToOtherAddresses) {
  const GemmKernel& kernel = GetParam();
  if (!supports(kernel.isa)) GTEST_SKIP() << "this machine has no " << to_string(kernel.isa);
  ThreadPool pools[] = {ThreadPool(1), ThreadPool(2), ThreadPool(3)};
  for (unsigned seed = 0; seed < 60; ++seed) {
    std::mt19937 random(seed);
    constexpr ProblemKind kKinds[] = {ProblemKind::kAny, ProblemKind::kLines, ProblemKind::kDeep};
    RandomProblem p = make_random_problem(random, kernel.type, kKinds[seed % 3]);
    const auto weights = packed(p);
    const auto expected = reference_output(p);
    for (const ConvTactic& tactic : list_tactics(p.shape, kernel, pools[seed % 3].threads())) {
      std::vector<std::uint8_t> first_x(p.x.size(), 0x3c);
      std::vector<std::vector<std::uint8_t>> first_residuals;
      const Epilogue first_epilogue = with_copied_residuals(p, &first_residuals);
      for (auto& residual : first_residuals) std::fill(residual.begin(), residual.end(), 0x3c);
      auto first_y = canary_output(p);
      auto convolution = make_convolution_with(
          kernel, p.shape,
          {first_x.data(), weights.get(), first_y.data() + kCanaryBytes, first_epilogue},
          kernel.isa, pools[seed % 3].threads(), &tactic);
      ASSERT_TRUE(convolution.ok()) << convolution.status().message();
      auto y = canary_output(p);
      ASSERT_TRUE(
          (*convolution)->rebind({p.x.data(), weights.get(), y.data() + kCanaryBytes, p.epilogue}));
      (*convolution)->run(pools[seed % 3]);
      ASSERT_EQ(first_difference(expected, y), "")
          << "seed " << seed << ", " << to_string(tactic) << ": " << p.description;
      ASSERT_EQ(first_difference(canary_output(p), first_y), "") << "seed " << seed;
    }
  }
}

/// A residual of y's type at y's own place, read by every thread and tile before it is overwritten.
TEST_P(GemmVariant, WritesOverItsResidual) {
  const GemmKernel& kernel = GetParam();
  if (!supports(kernel.isa)) GTEST_SKIP() << "this machine has no " << to_string(kernel.isa);
  ThreadPool pools[] = {ThreadPool(1), ThreadPool(2), ThreadPool(3)};
  for (unsigned seed = 0; seed < 60; ++seed) {
    std::mt19937 random(seed);
    ConvShape s;
    s.in_h = s.in_w = s.out_h = s.out_w = 5 + seed % 11;
    s.in_channels = s.x_pixel_stride = seed % 3 == 0 ? 64 : 20 + seed;
    s.out_channels = s.y_pixel_stride = 16 * (1 + seed % 9);
    s.kernel_h = s.kernel_w = 1 + seed % 2 * 2;
    s.pad_top = s.pad_left = s.kernel_h / 2;
    RandomProblem p = make_random_problem_of(random, kernel.type, s);
    const DType dtype = kernel.type == ConvType::kF32 || seed % 5 == 0 ? DType::kFloat32
                        : seed % 2 == 0                                ? DType::kInt8
                                                                       : DType::kUInt8;
    std::vector<std::uint8_t> residual(static_cast<std::size_t>(s.pixels() * s.out_channels) *
                                       size_of(dtype));
    for (std::size_t i = 0; i < residual.size(); ++i) {
      residual[i] =
          dtype == DType::kFloat32 && i % 4 == 3 ? 0x3f : static_cast<std::uint8_t>(random());
    }
    p.epilogue.output_dtype = dtype;
    p.epilogue.step_count = 1;
    EpilogueStep& step = p.epilogue.steps[0];
    step.kind = EpilogueStep::Kind::kResidual;
    step.residual = residual.data();
    step.residual_dtype = dtype;
    step.residual_pixel_stride = s.out_channels;
    step.scale = dtype == DType::kFloat32 ? 1.0f : 0.7f;
    const auto expected = reference_output(p);
    const auto weights = packed(p);
    auto y = canary_output(p);
    std::copy(residual.begin(), residual.end(), y.begin() + kCanaryBytes);
    step.residual = y.data() + kCanaryBytes;
    ThreadPool& pool = pools[seed % 3];
    auto convolution = make_convolution_with(
        kernel, s, {p.x.data(), weights.get(), y.data() + kCanaryBytes, p.epilogue}, kernel.isa,
        pool.threads());
    ASSERT_TRUE(convolution.ok()) << convolution.status().message();
    (*convolution)->run(pool);
    ASSERT_EQ(first_difference(expected, y), "") << "seed " << seed << ": " << p.description;
  }
}

INSTANTIATE_TEST_SUITE_P(Variants, GemmVariant,
                         testing::ValuesIn(gemm_kernels().begin(), gemm_kernels().end()),
                         [](const auto& variant) { return std::string(variant.param.name); });

TEST(Convolution, RefusesShapesThatDoNotFit) {
  ConvShape shape;
  shape.in_channels = shape.x_pixel_stride = 6;
  shape.out_channels = shape.y_pixel_stride = 4;
  shape.groups = 4;
  const auto by_groups = make_convolution(shape, ConvType::kF32, {}, CpuIsa::kPortable, 1);
  ASSERT_FALSE(by_groups.ok());
  EXPECT_EQ(by_groups.status().message(),
            "convolution of 6 to 4 channels in 4 groups; both must be multiples");
  shape.groups = 2;
  shape.y_pixel_stride = 3;
  const auto by_stride = make_convolution(shape, ConvType::kF32, {}, CpuIsa::kPortable, 1);
  ASSERT_FALSE(by_stride.ok());
  EXPECT_EQ(by_stride.status().message(),
            "convolution with pixel strides 6 and 3; needed: at least 6 and 4 channels");
}

TEST(Convolution, RefusesTacticsThatDoNotFit) {
  ConvShape shape;
  shape.in_h = shape.in_w = shape.out_h = shape.out_w = 8;
  shape.in_channels = shape.x_pixel_stride = shape.out_channels = shape.y_pixel_stride = 32;
  const GemmKernel& kernel = select_gemm_kernel(ConvType::kF32, CpuIsa::kPortable);
  const auto refusal = [&](ConvTactic tactic) {
    return check_tactic(tactic, shape, kernel, /*threads=*/2).message();
  };
  const ConvTactic good{RowAccess::kGathered, 4, 1, 64, 1, 2};
  EXPECT_EQ(refusal(good), "");
  ConvTactic bad = good;
  bad.tile_rows = 5;
  EXPECT_EQ(refusal(bad),
            "tactic \"gathered 5x16 block 64 parts 1x2\" of gemm_f32_portable: the kernel's tiles "
            "have at most 4 rows and 16 channels");
  bad = good;
  bad.block_rows = 66;
  EXPECT_EQ(refusal(bad),
            "tactic \"gathered 4x16 block 66 parts 1x2\" of gemm_f32_portable: blocks have whole "
            "tiles and at most 64 rows");
  bad = good;
  bad.row_parts = 2;
  EXPECT_EQ(refusal(bad),
            "tactic \"gathered 4x16 block 64 parts 2x2\" of gemm_f32_portable: 2 threads, 64 x 2 "
            "units of work");
  bad = good;
  bad.rows = RowAccess::kLines;
  EXPECT_EQ(
      refusal(bad),
      "tactic \"lines 4x16 block 64 parts 1x2\" of gemm_f32_portable: this convolution cannot "
      "read lines");
  for (const char* text :
       {"", "gathered", "gathered 4x16 block 64 parts 1x2 ", "lines 4x15 block 4 parts 1x1"}) {
    EXPECT_EQ(parse_tactic(text).status().message(),
              fmt::format("\"{}\": no tactic of a convolution", text));
  }
}

TEST(Convolution, TakesTheBestVariantOfTheLevel) {
  for (CpuIsa isa : supported_isas()) {
    for (ConvType type : {ConvType::kF32, ConvType::kU8S8, ConvType::kS8S8}) {
      const GemmKernel& kernel = select_gemm_kernel(type, isa);
      EXPECT_EQ(kernel.type, type);
      EXPECT_TRUE(includes(isa, kernel.isa)) << kernel.name << " on " << to_string(isa);
    }
  }
  EXPECT_STREQ(select_gemm_kernel(ConvType::kU8S8, CpuIsa::kAvxVnni).name, "gemm_u8s8_avxvnni");
  EXPECT_STREQ(select_gemm_kernel(ConvType::kU8S8, CpuIsa::kAmx).name, "gemm_u8s8_amx");
  EXPECT_STREQ(select_gemm_kernel(ConvType::kF32, CpuIsa::kAmx).name, "gemm_f32_avx512");
}

}  // namespace
}  // namespace xinfer::kernels
