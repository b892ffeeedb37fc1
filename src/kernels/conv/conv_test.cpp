// Every micro-kernel of variants.inc that this machine can run, against the reference: equal bytes.
#include <gtest/gtest.h>

#include <cstring>

#include "core/aligned_buffer.h"
#include "kernels/conv/conv_with.h"
#include "kernels/conv/random_problem.h"

namespace xinfer::kernels {
namespace {

constexpr int kProblemsPerVariant = 400;

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
  for (unsigned seed = 0; seed < kProblemsPerVariant; ++seed) {
    std::mt19937 random(seed);
    const auto kind = kernel.sliding && seed % 4 == 0 ? ProblemKind::kDeep : ProblemKind::kAny;
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

INSTANTIATE_TEST_SUITE_P(Variants, GemmVariant,
                         testing::ValuesIn(gemm_kernels().begin(), gemm_kernels().end()),
                         [](const auto& variant) { return std::string(variant.param.name); });

}  // namespace
}  // namespace xinfer::kernels
