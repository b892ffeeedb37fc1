// Products of run-time operands with every micro-kernel that this machine can run, against the
// reference: equal bytes.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "core/aligned_buffer.h"
#include "kernels/conv/problem_count.h"
#include "kernels/conv/random_problem.h"
#include "kernels/matmul/matmul_with.h"

namespace xinfer::kernels {
namespace {

struct Problem {
  MatmulShape shape;
  Epilogue epilogue;
  std::vector<std::uint8_t> a, b, residual;
  std::vector<float> multiplier, bias;
  std::string description;
};

std::int64_t pick(std::mt19937& random, std::int64_t low, std::int64_t high) {
  return std::uniform_int_distribution<std::int64_t>(low, high)(random);
}

/// Random bytes, as floats if asked for, with the readable margin.
std::vector<std::uint8_t> random_operand(std::mt19937& random, std::int64_t elements,
                                         bool float32) {
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(elements) * (float32 ? 4 : 1) +
                                  kBufferMargin);
  std::normal_distribution<float> normal;
  for (std::size_t i = 0; i + kBufferMargin < bytes.size(); i += float32 ? 4 : 1) {
    const float value = normal(random);
    if (float32) {
      std::memcpy(&bytes[i], &value, 4);
    } else {
      bytes[i] = static_cast<std::uint8_t>(random() >> 9);
    }
  }
  return bytes;
}

Problem make_problem(std::mt19937& random, ConvType type) {
  Problem p;
  MatmulShape& s = p.shape;
  s.m = pick(random, 1, 60);
  s.n = pick(random, 1, 70);
  s.k = pick(random, 1, 150);
  s.transpose_a = pick(random, 0, 3) == 0;
  s.transpose_b = pick(random, 0, 1) == 0;
  s.a_row_stride = (s.transpose_a ? s.m : s.k) + pick(random, 0, 1) * pick(random, 0, 20);
  s.b_row_stride = (s.transpose_b ? s.k : s.n) + pick(random, 0, 1) * pick(random, 0, 20);
  s.y_row_stride = s.n + pick(random, 0, 1) * pick(random, 0, 20);
  const std::int64_t batch = pick(random, 1, 5);
  const std::int64_t a_size = s.a_row_stride * (s.transpose_a ? s.k : s.m);
  const std::int64_t b_size = s.b_row_stride * (s.transpose_b ? s.n : s.k);
  const std::int64_t a_step = pick(random, 0, 4) == 0 ? 0 : a_size;
  const std::int64_t b_step = pick(random, 0, 4) == 0 ? 0 : b_size;
  s.a_offsets.clear();
  s.b_offsets.clear();
  for (std::int64_t i = 0; i < batch; ++i) {
    s.a_offsets.push_back(i * a_step);
    s.b_offsets.push_back(i * b_step);
  }
  const bool float32 = type == ConvType::kF32;
  p.a = random_operand(random, batch * a_size, float32);
  p.b = random_operand(random, batch * b_size, float32);
  p.residual = random_operand(random, batch * s.m * s.n, false);
  std::uniform_real_distribution<float> bias(-20.0f, 20.0f);
  for (std::int64_t i = 0; i < s.n; ++i) {
    p.multiplier.push_back(0.003f);
    p.bias.push_back(bias(random));
  }
  Epilogue& e = p.epilogue;
  if (!float32) e.multiplier = p.multiplier.data();
  if (!float32 || pick(random, 0, 1) == 0) e.bias = p.bias.data();
  constexpr DType kOutputs[] = {DType::kFloat32, DType::kInt8, DType::kUInt8};
  e.output_dtype = kOutputs[pick(random, 0, 2)];
  if (pick(random, 0, 2) == 0) {
    e.step_count = 1;
    e.steps[0].kind = EpilogueStep::Kind::kResidual;
    e.steps[0].residual = p.residual.data();
    e.steps[0].residual_pixel_stride = s.n;
    e.steps[0].scale = 0.7f;
  }
  p.description = fmt::format("batch {} m {} n {} k {} transposed {} {} strides {} {} {} output {}",
                              batch, s.m, s.n, s.k, s.transpose_a, s.transpose_b, s.a_row_stride,
                              s.b_row_stride, s.y_row_stride, to_string(e.output_dtype));
  return p;
}

std::vector<std::uint8_t> canary_buffer(const Problem& p) {
  const auto elements =
      static_cast<std::size_t>(p.shape.batch() * p.shape.m * p.shape.y_row_stride);
  return std::vector<std::uint8_t>(elements * size_of(p.epilogue.output_dtype) + 2 * kCanaryBytes,
                                   kCanary);
}

class MatmulVariant : public testing::TestWithParam<GemmKernel> {};

TEST_P(MatmulVariant, EqualsReference) {
  const GemmKernel& kernel = GetParam();
  if (!supports(kernel.isa)) GTEST_SKIP() << "this machine has no " << to_string(kernel.isa);
  ThreadPool pools[] = {ThreadPool(1), ThreadPool(2), ThreadPool(3)};
  for (unsigned seed = 0; seed < problem_count(300); ++seed) {
    std::mt19937 random(seed);
    const Problem p = make_problem(random, kernel.type);
    auto expected = canary_buffer(p);
    matmul_reference(p.shape, kernel.type, p.a.data(), p.b.data(), expected.data() + kCanaryBytes,
                     p.epilogue);
    auto y = canary_buffer(p);
    const std::size_t workspace_bytes = matmul_workspace_size(p.shape, kernel.type);
    auto workspace = allocate_buffer(workspace_bytes);
    std::memset(workspace.get(), 0x7e, workspace_bytes);
    const MatmulArguments arguments{p.a.data(), p.b.data(), y.data() + kCanaryBytes,
                                    workspace.get(), p.epilogue};
    ThreadPool& pool = pools[seed % 3];
    auto matmul = make_matmul_with(kernel, p.shape, arguments, kernel.isa, pool.threads());
    ASSERT_TRUE(matmul.ok()) << matmul.status().message();
    (*matmul)->run(pool);
    ASSERT_EQ(first_difference(expected, y), "") << "seed " << seed << ": " << p.description;
  }
}

INSTANTIATE_TEST_SUITE_P(Variants, MatmulVariant,
                         testing::ValuesIn(gemm_kernels().begin(), gemm_kernels().end()),
                         [](const auto& variant) { return std::string(variant.param.name); });

TEST(Matmul, RefusesRowStridesThatOverlap) {
  MatmulShape shape;
  shape.k = 8;
  const auto made = make_matmul(shape, ConvType::kF32, {}, CpuIsa::kPortable, 1);
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.status().message(),
            "matrix product with row strides 0, 0 and 0; needed: at least 8, 1 and 1");
}

}  // namespace
}  // namespace xinfer::kernels
