#include "random_conv.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "random.h"

namespace xinfer::gpu {
namespace {

using kernels::ConvShape;
using kernels::Epilogue;
using kernels::EpilogueStep;

void pick_axis(Random& random, std::int64_t kernel, std::int64_t stride, std::int64_t dilation,
               std::int64_t in, std::int64_t* out, std::int64_t* pad) {
  const std::int64_t span = (kernel - 1) * dilation + 1;
  *pad = random.pick(0, span - 1);
  const std::int64_t pad_end = random.pick(0, span - 1);
  *out = (std::max(in + *pad + pad_end, span) - span) / stride + 1;
}

ConvShape pick_halo_shape(Random& random) {
  constexpr std::int64_t kChannels[] = {16, 32, 64, 128};
  ConvShape s;
  s.in_channels = kChannels[random.pick(0, 3)] - random.pick(0, 3);
  s.out_channels = random.chance(2) ? 64 * random.pick(1, 3) : random.channels();
  s.kernel_h = random.pick(1, 5);
  s.kernel_w = s.in_channels <= 16 ? 2 * random.pick(1, 3) : random.pick(1, 5);
  s.in_h = random.pick(1, 24);
  s.in_w = random.pick(1, 60);
  pick_axis(random, s.kernel_h, 1, 1, s.in_h, &s.out_h, &s.pad_top);
  pick_axis(random, s.kernel_w, 1, 1, s.in_w, &s.out_w, &s.pad_left);
  return s;
}

ConvShape pick_halo_chunks_shape(Random& random) {
  ConvShape s;
  s.in_channels = random.chance(2) ? random.pick(1, 400) : 16 * random.pick(1, 25);
  s.out_channels = random.chance(2) ? random.pick(1, 128) : 16 * random.pick(1, 6);
  s.kernel_h = random.chance(2) ? 3 : random.pick(2, 7);
  s.kernel_w = random.chance(2) ? s.kernel_h : random.pick(2, 7);
  s.in_w = random.pick(1, 60);
  s.in_h = random.pick(1, std::clamp<std::int64_t>(400 / s.in_w, 4, 24));
  pick_axis(random, s.kernel_h, 1, 1, s.in_h, &s.out_h, &s.pad_top);
  pick_axis(random, s.kernel_w, 1, 1, s.in_w, &s.out_w, &s.pad_left);
  return s;
}

ConvShape pick_vector_shape(Random& random) {
  ConvShape s;
  s.in_channels = random.chance(3) ? 64 * random.pick(1, 32) : random.channels();
  s.out_channels = random.chance(3) ? random.pick(1, 1100) : random.channels();
  return s;
}

ConvShape pick_shape(Random& random, ConvFlavour flavour) {
  if (flavour == ConvFlavour::kHalo) return pick_halo_shape(random);
  if (flavour == ConvFlavour::kHaloChunks) return pick_halo_chunks_shape(random);
  if (flavour == ConvFlavour::kVector) return pick_vector_shape(random);
  ConvShape s;
  if (!random.chance(3)) {
    s.kernel_h = random.pick(1, 5);
    s.kernel_w = random.chance(2) ? s.kernel_h : random.pick(1, 5);
    if (random.chance(4)) s.dilation_h = random.pick(1, 3);
    if (random.chance(4)) s.dilation_w = random.pick(1, 3);
  }
  if (random.chance(3)) {
    s.stride_h = random.pick(1, 3);
    s.stride_w = random.chance(2) ? s.stride_h : random.pick(1, 3);
  }
  s.in_h = random.pick(1, 20);
  s.in_w = random.pick(1, 28);
  pick_axis(random, s.kernel_h, s.stride_h, s.dilation_h, s.in_h, &s.out_h, &s.pad_top);
  pick_axis(random, s.kernel_w, s.stride_w, s.dilation_w, s.in_w, &s.out_w, &s.pad_left);
  s.in_channels = random.channels();
  s.out_channels = random.channels();
  if (flavour == ConvFlavour::kDepthwise) {
    s.out_channels = s.groups = s.in_channels = s.in_channels + 1;
  } else if (flavour == ConvFlavour::kAnyGroups && random.chance(3)) {
    s.groups = random.pick(2, 9);
    s.in_channels = s.groups * random.pick(1, 40);
    s.out_channels = s.groups * random.pick(1, 40);
  }
  return s;
}

void add_residual(Random& random, RandomConv& conv) {
  const ConvShape& s = conv.problem.shape;
  EpilogueStep step;
  step.kind = EpilogueStep::Kind::kResidual;
  step.residual_dtype = random.chance(5) ? DType::kFloat32 : random.int8_type();
  step.residual_pixel_stride = round_up(s.out_channels, 16) + 16 * random.pick(0, 1);
  if (random.chance(6)) step.residual_pixel_stride = s.out_channels + random.pick(0, 9);
  step.scale = step.residual_dtype == DType::kFloat32 ? 1.0f : random.real(0.01f, 1.5f);
  conv.problem.epilogue.steps[conv.problem.epilogue.step_count++] = step;
  const std::int64_t count = conv.batch * s.out_h * s.out_w * step.residual_pixel_stride;
  conv.step_data.push_back(random.tensor(step.residual_dtype, count));
}

void add_step(Random& random, RandomConv& conv) {
  if (random.chance(4)) return add_residual(random, conv);
  add_function(random, /*may_be_table=*/true, conv);
  const Epilogue& e = conv.problem.epilogue;
  const bool is_table = e.steps[e.step_count - 1].kind == EpilogueStep::Kind::kTable;
  if (is_table && random.chance(2)) add_residual(random, conv);
}

void pick_output(Random& random, ConvFlavour flavour, RandomConv& conv) {
  ConvShape& s = conv.problem.shape;
  Epilogue& e = conv.problem.epilogue;
  e.output_dtype = random.chance(4) ? DType::kFloat32 : random.int8_type();
  const std::int64_t rows = kernels::cuda::conv_layout(s, conv.problem.input).table_length();
  s.y_pixel_stride = round_up(s.out_channels, 16) + 16 * random.pick(0, 2);
  std::int64_t first = 0;
  if (random.chance(3)) {  // a slice at some channel
    first = random.pick(1, 40);
    s.y_pixel_stride = round_up(first + s.out_channels, 16) + 16 * random.pick(0, 1);
  } else if (random.chance(2)) {  // owns the padding behind its channels
    conv.problem.stored_channels = flavour == ConvFlavour::kDepthwise
                                       ? round_up(s.out_channels, 16)
                                       : std::min(round_up(s.out_channels, 16), rows);
  }
  conv.y_offset = static_cast<std::size_t>(first) * size_of(e.output_dtype);
  conv.problem.output_align = 16;
  while (conv.y_offset % static_cast<std::size_t>(conv.problem.output_align) != 0) {
    conv.problem.output_align /= 2;
  }
  conv.y_bytes = static_cast<std::size_t>(conv.batch * s.out_h * s.out_w * s.y_pixel_stride) *
                 size_of(e.output_dtype);
}

void fill_tables(Random& random, RandomConv& conv) {
  const ConvShape& s = conv.problem.shape;
  const auto k = static_cast<float>(s.kernel_h * s.kernel_w * s.in_channels / s.groups);
  const float spread = 60.0f / (std::sqrt(k) * 74.0f * 100.0f);
  for (std::int64_t n = 0; n < s.out_channels; ++n) {
    conv.multiplier.push_back(spread * random.real(0.2f, 2.0f));
    conv.bias.push_back(random.real(-60.0f, 90.0f));
  }
}

}  // namespace

void add_function(Random& random, bool may_be_table, RandomConv& conv) {
  EpilogueStep step;
  conv.step_data.emplace_back();
  const std::int64_t kind = random.pick(0, may_be_table ? 2 : 1);
  if (kind == 0) {
    step.kind = EpilogueStep::Kind::kClip;
    step.low = random.chance(2) ? 0.0f : random.real(-90.0f, 0.0f);
    step.high = random.chance(3) ? INFINITY : random.real(1.0f, 200.0f);
  } else if (kind == 1) {
    step.kind = EpilogueStep::Kind::kLeaky;
    step.slope = random.real(0.01f, 0.3f);
  } else {
    step.kind = EpilogueStep::Kind::kTable;
    const bool is_signed = random.chance(2);
    step.table_min = is_signed ? -128.0f : 0.0f;
    step.table_max = is_signed ? 127.0f : 255.0f;
    step.table_output_signed = random.chance(2);
    step.table_scale = random.real(0.1f, 2.0f);
    conv.step_data.back() = random.tensor(DType::kUInt8, 256);
  }
  conv.problem.epilogue.steps[conv.problem.epilogue.step_count++] = step;
}

RandomConv make_random_conv(std::uint64_t seed, ConvFlavour flavour) {
  Random random(seed);
  RandomConv conv;
  ConvShape& s = conv.problem.shape;
  s = pick_shape(random, flavour);
  conv.batch = random.pick(1, flavour == ConvFlavour::kVector ? 20 : 4);
  conv.problem.input = random.int8_type();
  const kernels::cuda::ConvLayout layout = kernels::cuda::conv_layout(s, conv.problem.input);
  s.x_pixel_stride =
      round_up(layout.groups * layout.group_in_channels, 16) + 16 * random.pick(0, 1);
  const std::int64_t steps = random.pick(0, 2);
  for (std::int64_t i = 0; i < steps; ++i) add_step(random, conv);
  pick_output(random, flavour, conv);
  conv.x = random.tensor(conv.problem.input, conv.batch * s.in_h * s.in_w * s.x_pixel_stride);
  conv.weights = random.tensor(DType::kInt8,
                               s.out_channels * s.kernel_h * s.kernel_w * s.in_channels / s.groups);
  fill_tables(random, conv);
  static const float kScaled = 1.0f;
  conv.problem.epilogue.multiplier = &kScaled;  // not null: INT8 accumulators are scaled
  conv.description = fmt::format(
      "seed {}: batch {}, {}x{}x{} -> {}x{}x{}, kernel {}x{}, stride {}x{}, dilation {}x{}, pad "
      "{},{}, groups {}, {} -> {}, {} steps",
      seed, conv.batch, s.in_h, s.in_w, s.in_channels, s.out_h, s.out_w, s.out_channels, s.kernel_h,
      s.kernel_w, s.stride_h, s.stride_w, s.dilation_h, s.dilation_w, s.pad_top, s.pad_left,
      s.groups, to_string(conv.problem.input), to_string(conv.problem.epilogue.output_dtype),
      conv.problem.epilogue.step_count);
  return conv;
}

std::vector<std::uint8_t> reference_output(const RandomConv& conv, std::uint8_t fill) {
  ConvShape shape = conv.problem.shape;
  shape.batch = conv.batch;
  Epilogue epilogue = conv.problem.epilogue;
  epilogue.multiplier = conv.multiplier.empty() ? nullptr : conv.multiplier.data();
  epilogue.bias = conv.bias.data();
  for (int i = 0; i < epilogue.step_count; ++i) {
    epilogue.steps[i].residual = conv.step_data[static_cast<std::size_t>(i)].data();
    epilogue.steps[i].table = conv.step_data[static_cast<std::size_t>(i)].data();
  }
  std::vector<std::uint8_t> y(conv.y_bytes, fill);
  std::uint8_t* first = y.data() + conv.y_offset;
  const std::size_t size = size_of(epilogue.output_dtype);
  const auto channels = static_cast<std::size_t>(shape.out_channels);
  const std::size_t stored =
      std::max(channels, static_cast<std::size_t>(conv.problem.stored_channels));
  for (std::int64_t pixel = 0; pixel < shape.pixels(); ++pixel) {
    std::uint8_t* at = first + static_cast<std::size_t>(pixel * shape.y_pixel_stride) * size;
    std::memset(at + channels * size, 0, (stored - channels) * size);
  }
  const auto type = conv.problem.input == DType::kFloat32 ? kernels::ConvType::kF32
                    : conv.problem.input == DType::kUInt8 ? kernels::ConvType::kU8S8
                                                          : kernels::ConvType::kS8S8;
  kernels::convolution_reference(shape, type, conv.x.data(), conv.weights.data(), first, epilogue);
  return y;
}

}  // namespace xinfer::gpu
