// Cases of the kernel that computes two pointwise convolutions, the second from the first.
#include <fmt/format.h>

#include <cmath>

#include "conv_cases.h"
#include "kernels/cuda/chain_kernels.h"
#include "random.h"

namespace xinfer::gpu {
namespace {

using kernels::ConvShape;
using kernels::EpilogueStep;
using kernels::cuda::ChainProblem;
using kernels::cuda::ChainTactic;
using kernels::cuda::KernelSpec;
using kernels::cuda::Operand;

// How the tests place the second output behind the first.
constexpr std::size_t kOutputAlign = 256;

void add_residual(Random& random, RandomConv& conv) {
  const ConvShape& s = conv.problem.shape;
  EpilogueStep step;
  step.kind = EpilogueStep::Kind::kResidual;
  step.residual_dtype = random.int8_type();
  step.residual_pixel_stride = round_up(s.out_channels, 16) + 16 * random.pick(0, 1);
  step.scale = random.real(0.01f, 1.5f);
  conv.problem.epilogue.steps[conv.problem.epilogue.step_count++] = step;
  conv.step_data.push_back(random.tensor(
      step.residual_dtype, conv.batch * s.out_h * s.out_w * step.residual_pixel_stride));
}

// Pixels, output and tables of a layer whose channels and input are given.
void fill_layer(Random& random, RandomConv& conv) {
  ConvShape& s = conv.problem.shape;
  kernels::Epilogue& e = conv.problem.epilogue;
  static const float kPresent = 1.0f;
  e.multiplier = &kPresent;
  e.bias = &kPresent;
  e.output_dtype = random.int8_type();
  conv.problem.stored_channels = round_up(s.out_channels, 16);
  s.y_pixel_stride = conv.problem.stored_channels + 16 * random.pick(0, 2);
  conv.y_bytes = static_cast<std::size_t>(conv.batch * s.out_h * s.out_w * s.y_pixel_stride);
  conv.weights = random.tensor(DType::kInt8, s.out_channels * s.in_channels);
  const float spread = 60.0f / (std::sqrt(static_cast<float>(s.in_channels)) * 74.0f * 100.0f);
  for (std::int64_t n = 0; n < s.out_channels; ++n) {
    conv.multiplier.push_back(spread * random.real(0.2f, 2.0f));
    conv.bias.push_back(random.real(-60.0f, 90.0f));
  }
}

RandomConv pick_first(Random& random) {
  RandomConv conv;
  ConvShape& s = conv.problem.shape;
  conv.batch = random.pick(1, 4);
  s.in_h = s.out_h = random.pick(1, 16);
  s.in_w = s.out_w = random.pick(1, 20);
  s.in_channels = random.chance(2) ? random.pick(1, 200) : 64 * random.pick(1, 2);
  s.out_channels = 64 * random.pick(1, random.chance(3) ? 8 : 4) - (random.chance(4) ? 3 : 0);
  s.x_pixel_stride = round_up(s.in_channels, 16) + 16 * random.pick(0, 1);
  conv.problem.input = random.int8_type();
  conv.x = random.tensor(conv.problem.input, conv.batch * s.in_h * s.in_w * s.x_pixel_stride);
  if (!random.chance(4)) add_residual(random, conv);
  if (!random.chance(3)) add_function(random, /*may_be_table=*/true, conv);
  fill_layer(random, conv);
  return conv;
}

RandomConv pick_next(Random& random, const RandomConv& first) {
  RandomConv conv;
  ConvShape& s = conv.problem.shape;
  const ConvShape& before = first.problem.shape;
  conv.batch = first.batch;
  s.in_h = s.out_h = before.out_h;
  s.in_w = s.out_w = before.out_w;
  s.in_channels = before.out_channels;
  s.out_channels = random.chance(2) ? 64 * random.pick(1, 2) : random.pick(1, 140);
  s.x_pixel_stride = before.y_pixel_stride;
  conv.problem.input = first.problem.epilogue.output_dtype;
  if (!random.chance(3)) add_function(random, /*may_be_table=*/false, conv);
  fill_layer(random, conv);
  return conv;
}

// A tactic that can compute the problem: one of few tries, or none.
Result<KernelSpec> pick_kernel(Random& random, const ChainProblem& problem) {
  Result<KernelSpec> spec = unsupported("no tactic");
  for (int tries = 0; tries < 30 && !spec.ok(); ++tries) {
    ChainTactic tactic;
    tactic.consumers = static_cast<int>(random.pick(1, 4));
    tactic.box_cols = random.chance(2) ? 64 : 128;
    tactic.box_stages = random.chance(2) ? 0 : static_cast<int>(random.pick(2, 5));
    tactic.input_stages = static_cast<int>(random.pick(1, 3));
    spec = chain_kernel(problem, tactic);
  }
  return spec;
}

}  // namespace

GpuCase conv_chain_case(std::uint64_t seed) {
  Random random(seed);
  const RandomConv first = pick_first(random);
  const RandomConv next = pick_next(random, first);
  Result<KernelSpec> spec = pick_kernel(random, {first.problem, next.problem});
  if (!spec.ok()) return {};
  // The operands of each layer, then the first one's under the names of the layer before.
  GpuCase result = gemm_case(first, {*spec}, 0);
  for (auto& [operand, bytes] : result.inputs) {
    if (operand == Operand::kInput) operand = Operand::kInput2;
    if (operand == Operand::kWeights) operand = Operand::kWeights2;
    if (operand == Operand::kMultiplier) operand = Operand::kMultiplier2;
    if (operand == Operand::kBias) operand = Operand::kBias2;
  }
  for (auto& [operand, bytes] : gemm_case(next, {*spec}, 0).inputs) {
    if (operand != Operand::kInput) result.inputs.emplace_back(operand, std::move(bytes));
  }
  result.more_outputs = {{Operand::kInput, 0}};
  result.y_offset = (first.y_bytes + kOutputAlign - 1) / kOutputAlign * kOutputAlign;
  result.y_bytes = result.y_offset + next.y_bytes;
  const ConvShape &a = first.problem.shape, &b = next.problem.shape;
  result.description = fmt::format(
      "seed {}: batch {}, {}x{}, {} -> {} -> {} channels, {} -> {} -> {}, {} and {} steps", seed,
      first.batch, a.out_h, a.out_w, a.in_channels, a.out_channels, b.out_channels,
      to_string(first.problem.input), to_string(next.problem.input),
      to_string(next.problem.epilogue.output_dtype), first.problem.epilogue.step_count,
      next.problem.epilogue.step_count);
  result.expected = [first, next, offset = result.y_offset] {
    Expected expected{reference_output(first, kFill), {}, {}};
    RandomConv reader = next;
    reader.x = expected.bytes;
    const std::vector<std::uint8_t> y = reference_output(reader, kFill);
    expected.bytes.resize(offset, kFill);
    expected.bytes.insert(expected.bytes.end(), y.begin(), y.end());
    return expected;
  };
  return result;
}

}  // namespace xinfer::gpu
