// Cases of the kernel that computes an inverted residual block: expansion, depthwise convolution,
// projection.
#include <fmt/format.h>

#include <cmath>

#include "conv_cases.h"
#include "kernels/cuda/inverted_residual_kernels.h"
#include "random.h"

namespace xinfer::gpu {
namespace {

using kernels::ConvShape;
using kernels::Epilogue;
using kernels::EpilogueStep;
using kernels::cuda::InvertedResidualProblem;
using kernels::cuda::InvertedResidualTactic;
using kernels::cuda::LayerConstants;
using kernels::cuda::Operand;

// A block as three layers, each with its own data; what one writes the next reads.
struct RandomBlock {
  bool expands = false;
  RandomConv expand, filter, project;

  RandomConv& first() { return expands ? expand : filter; }
  const RandomConv& first() const { return expands ? expand : filter; }
  InvertedResidualProblem problem() const {
    InvertedResidualProblem p;
    if (expands) p.expand = expand.problem;
    p.filter = filter.problem;
    p.project = project.problem;
    return p;
  }
};

// Channels of a thin layer: as MobileNets have them, at times any number.
std::int64_t pick_channels(Random& random) {
  constexpr std::int64_t kUsual[] = {8, 16, 24, 32, 64, 96, 160};
  return random.chance(5) ? random.pick(1, 80) : kUsual[random.pick(0, 6)];
}

void pick_axis(Random& random, std::int64_t stride, std::int64_t in, std::int64_t* out,
               std::int64_t* pad) {
  *pad = random.chance(4) ? random.pick(0, 2) : 1;
  const std::int64_t end = random.chance(4) ? random.pick(0, 2) : 1;
  *out = (std::max<std::int64_t>(in + *pad + end, 3) - 3) / stride + 1;
}

void pick_shapes(Random& random, RandomBlock& block) {
  ConvShape &e = block.expand.problem.shape, &f = block.filter.problem.shape,
            &p = block.project.problem.shape;
  block.expands = !random.chance(4);
  e.in_channels = pick_channels(random);
  e.out_channels = !block.expands     ? e.in_channels
                   : random.chance(4) ? random.pick(1, 200)
                                      : std::min<std::int64_t>(6 * e.in_channels, 400);
  f.stride_h = f.stride_w = random.pick(1, 2);
  f.in_h = random.pick(1, 22);
  f.in_w = random.chance(3) ? random.pick(1, 60) : random.pick(1, 30);
  f.in_channels = f.out_channels = f.groups = e.out_channels;
  f.kernel_h = f.kernel_w = 3;
  pick_axis(random, f.stride_h, f.in_h, &f.out_h, &f.pad_top);
  pick_axis(random, f.stride_w, f.in_w, &f.out_w, &f.pad_left);
  e.in_h = e.out_h = f.in_h;
  e.in_w = e.out_w = f.in_w;
  p.in_h = p.out_h = f.out_h;
  p.in_w = p.out_w = f.out_w;
  p.in_channels = f.out_channels;
  p.out_channels = pick_channels(random);
  for (ConvShape* s : {&e, &f, &p}) {
    s->x_pixel_stride = round_up(s->in_channels, 16);
    s->y_pixel_stride = round_up(s->out_channels, 16);
  }
  block.first().problem.shape.x_pixel_stride += 16 * random.pick(0, 1);
}

void fill_layer(Random& random, RandomConv& conv, std::int64_t batch, DType input, DType output) {
  static const float kPresent = 1.0f;
  const ConvShape& s = conv.problem.shape;
  conv.batch = batch;
  conv.problem.input = input;
  conv.problem.epilogue.output_dtype = output;
  conv.problem.epilogue.multiplier = conv.problem.epilogue.bias = &kPresent;
  const std::int64_t depth = s.kernel_h * s.kernel_w * s.in_channels / s.groups;
  conv.weights = random.tensor(DType::kInt8, s.out_channels * depth);
  const float spread = 60.0f / (std::sqrt(static_cast<float>(depth)) * 74.0f * 100.0f);
  for (std::int64_t n = 0; n < s.out_channels; ++n) {
    conv.multiplier.push_back(spread * random.real(0.2f, 2.0f));
    conv.bias.push_back(random.real(-60.0f, 90.0f));
  }
  conv.y_bytes =
      static_cast<std::size_t>(batch * s.out_h * s.out_w * s.y_pixel_stride) * size_of(output);
}

// No clip, one that saturation makes superfluous, or any.
void add_clip(Random& random, RandomConv& conv) {
  const std::int64_t kind = random.pick(0, 3);
  if (kind == 0) return;
  EpilogueStep clip;
  clip.kind = EpilogueStep::Kind::kClip;
  clip.low = kind == 1 ? 0.0f : random.real(-140.0f, 20.0f);
  clip.high = kind == 1 ? 255.0f : random.real(100.0f, 260.0f);
  conv.problem.epilogue.steps[conv.problem.epilogue.step_count++] = clip;
  conv.step_data.emplace_back();
}

void add_residual(Random& random, RandomConv& conv) {
  const ConvShape& s = conv.problem.shape;
  EpilogueStep step;
  step.kind = EpilogueStep::Kind::kResidual;
  step.residual_dtype = random.int8_type();
  step.residual_pixel_stride = round_up(s.out_channels, 16);
  step.scale = random.real(0.01f, 1.5f);
  conv.problem.epilogue.steps[conv.problem.epilogue.step_count++] = step;
  conv.step_data.push_back(random.tensor(
      step.residual_dtype, conv.batch * s.out_h * s.out_w * step.residual_pixel_stride));
}

RandomBlock make_block(Random& random) {
  RandomBlock block;
  pick_shapes(random, block);
  const std::int64_t batch = random.pick(1, 3);
  const DType input = random.int8_type(), expanded = block.expands ? random.int8_type() : input,
              filtered = random.int8_type();
  fill_layer(random, block.expand, batch, input, expanded);
  fill_layer(random, block.filter, batch, expanded, filtered);
  fill_layer(random, block.project, batch, filtered,
             random.chance(5) ? DType::kFloat32 : random.int8_type());
  add_clip(random, block.expand);
  add_clip(random, block.filter);
  if (random.chance(2)) add_residual(random, block.project);
  if (random.chance(4)) add_clip(random, block.project);
  ConvShape& p = block.project.problem.shape;
  if (!random.chance(3)) block.project.problem.stored_channels = round_up(p.out_channels, 16);
  const ConvShape& first = block.first().problem.shape;
  block.first().x = random.tensor(input, batch * first.in_h * first.in_w * first.x_pixel_stride);
  return block;
}

// The block layer by layer.
Expected by_layers(RandomBlock block) {
  if (block.expands) block.filter.x = reference_output(block.expand, 0);
  block.project.x = reference_output(block.filter, 0);
  Expected expected;
  expected.bytes = reference_output(block.project, kFill);
  return expected;
}

InvertedResidualTactic pick_tactic(Random& random, const RandomBlock& block) {
  const ConvShape& f = block.filter.problem.shape;
  InvertedResidualTactic tactic;
  tactic.tile_rows = static_cast<int>(random.pick(1, std::min<std::int64_t>(f.out_h + 1, 16)));
  tactic.tile_cols = static_cast<int>(
      random.chance(2) ? f.out_w : random.pick(1, std::min<std::int64_t>(f.out_w, 20)));
  tactic.warps = static_cast<int>(random.pick(1, 8));
  return tactic;
}

LayerConstants constants_of(const RandomConv& conv) {
  return {std::as_bytes(std::span(conv.weights)), conv.multiplier, conv.bias};
}

}  // namespace

GpuCase inverted_residual_case(std::uint64_t seed) {
  Random random(seed);
  const RandomBlock block = make_block(random);
  const InvertedResidualProblem problem = block.problem();
  const InvertedResidualTactic tactic = pick_tactic(random, block);
  auto spec = kernels::cuda::inverted_residual_kernel(problem, tactic);
  if (!spec.ok()) return {};
  GpuCase result = gemm_case(block.project, {*std::move(spec)}, 0);
  const RandomConv& first = block.first();
  std::erase_if(result.inputs, [](const auto& input) {
    return input.first == Operand::kInput || input.first == Operand::kWeights;
  });
  const std::vector<std::byte> packed = kernels::cuda::pack_inverted_residual(
      problem, constants_of(block.expand), constants_of(block.filter),
      std::as_bytes(std::span(block.project.weights)));
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(packed.data());
  result.inputs.emplace_back(Operand::kInput2, first.x);
  result.inputs.emplace_back(Operand::kWeights2,
                             std::vector<std::uint8_t>(bytes, bytes + packed.size()));
  const ConvShape &f = problem.filter.shape, &p = problem.project.shape;
  result.description = fmt::format(
      "seed {}: batch {}, {}x{}x{} {} -> {} {} -> stride {}, pad {},{}: {}x{} {} -> {} {}, {} "
      "steps",
      seed, first.batch, f.in_h, f.in_w, problem.first().shape.in_channels,
      to_string(problem.first().input), f.in_channels, to_string(problem.filter.input), f.stride_h,
      f.pad_top, f.pad_left, f.out_h, f.out_w, to_string(problem.project.input), p.out_channels,
      to_string(problem.project.epilogue.output_dtype), problem.project.epilogue.step_count);
  result.expected = [block] { return by_layers(block); };
  return result;
}

}  // namespace xinfer::gpu
