// Drawing shapes, data and epilogues, and printing them.
#include "kernels/conv/random_problem.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/aligned_buffer.h"
#include "kernels/elementwise/unary.h"

namespace xinfer::kernels {
namespace {

std::int64_t pick(std::mt19937& random, std::int64_t low, std::int64_t high) {
  return std::uniform_int_distribution<std::int64_t>(low, high)(random);
}

/// Small mostly, at times around the tile sizes.
std::int64_t pick_channels(std::mt19937& random) {
  switch (pick(random, 0, 3)) {
    case 0:
      return pick(random, 1, 8);
    case 1:
      return 16 * pick(random, 1, 5) + pick(random, -1, 1);
    default:
      return pick(random, 1, 70);
  }
}

/// Padding so that in_size gives at least one output; returns out_size.
std::int64_t pick_extent(std::mt19937& random, std::int64_t kernel, std::int64_t stride,
                         std::int64_t dilation, std::int64_t in, std::int64_t* pad_begin) {
  const std::int64_t span = (kernel - 1) * dilation + 1;
  *pad_begin = pick(random, 0, span - 1);
  const std::int64_t pad_end = pick(random, 0, span - 1);
  const std::int64_t padded = std::max(in + *pad_begin + pad_end, span);
  return (padded - span) / stride + 1;
}

ConvShape pick_shape(std::mt19937& random, ProblemKind kind) {
  ConvShape s;
  s.batch = pick(random, 0, 3) == 0 ? pick(random, 2, 3) : 1;
  const bool pointwise = kind == ProblemKind::kAny && pick(random, 0, 2) == 0;
  if (!pointwise) {
    s.kernel_h = pick(random, 1, 5);
    s.kernel_w = pick(random, 0, 1) == 0 ? s.kernel_h : pick(random, 1, 5);
    s.dilation_h = pick(random, 0, 3) == 0 ? pick(random, 1, 3) : 1;
    s.dilation_w = pick(random, 0, 3) == 0 ? pick(random, 1, 3) : 1;
  }
  if (kind != ProblemKind::kDeep && pick(random, 0, 2) == 0) {
    s.stride_h = pick(random, 1, 3);
    s.stride_w = pick(random, 0, 1) == 0 ? s.stride_h : pick(random, 1, 3);
  }
  s.in_h = pick(random, 0, 5) == 0 ? 1 : pick(random, 1, 12);
  s.in_w = pick(random, 0, 5) == 0 ? 1 : pick(random, 1, 20);
  if (kind == ProblemKind::kLines) {
    s.kernel_h = pick(random, 2, 5);
    s.dilation_w = 1;
    s.in_w = pick(random, 24, 50);
  }
  if (kind == ProblemKind::kDepthwise3x3) {
    s.kernel_h = s.kernel_w = 3;
    s.dilation_h = s.dilation_w = 1;
    s.stride_h = s.stride_w = pick(random, 1, 2);
    s.in_w = pick(random, 1, 40);
  }
  s.out_h = pick_extent(random, s.kernel_h, s.stride_h, s.dilation_h, s.in_h, &s.pad_top);
  s.out_w = pick_extent(random, s.kernel_w, s.stride_w, s.dilation_w, s.in_w, &s.pad_left);
  s.in_channels = pick_channels(random);
  s.out_channels = pick_channels(random);
  if (kind == ProblemKind::kDepthwise || kind == ProblemKind::kDepthwise3x3) {
    s.groups = s.in_channels =
        pick(random, 0, 3) == 0 ? pick(random, 100, 200) : pick_channels(random);
    const bool repeats = kind == ProblemKind::kDepthwise && pick(random, 0, 4) == 0;
    s.out_channels = s.groups * (repeats ? pick(random, 2, 3) : 1);
  } else if (kind == ProblemKind::kDeep) {
    s.groups = pick(random, 1, 2);
    s.in_channels = s.groups * 64 * pick(random, 1, 2);
    s.out_channels = s.groups * pick(random, 1, 40);
  } else if (kind == ProblemKind::kLines) {
    // A pixel of a whole depth tile, a kernel line of a part of one, or lines of one and more.
    constexpr std::int64_t kLeast[] = {64, 1, 22}, kMost[] = {64, 6, 63};
    const std::int64_t form = pick(random, 0, 2);
    s.in_channels = pick(random, kLeast[form], kMost[form]);
  } else if (pick(random, 0, 3) == 0) {
    s.groups = pick(random, 2, 4);
    s.in_channels = s.groups * pick(random, 1, 20);
    s.out_channels = s.groups * pick(random, 1, 40);
  }
  s.x_pixel_stride = s.in_channels + (pick(random, 0, 2) == 0 ? pick(random, 1, 40) : 0);
  s.y_pixel_stride = s.out_channels + (pick(random, 0, 2) == 0 ? pick(random, 1, 40) : 0);
  return s;
}

enum class Values { kUniform, kLowest, kHighest };

std::vector<std::uint8_t> random_bytes(std::mt19937& random, std::size_t count, Values values,
                                       bool is_signed) {
  std::vector<std::uint8_t> bytes(count);
  for (auto& byte : bytes) {
    byte = values == Values::kUniform  ? static_cast<std::uint8_t>(random() >> 13)
           : values == Values::kLowest ? (is_signed ? 0x80 : 0)
                                       : (is_signed ? 0x7f : 0xff);
  }
  return bytes;
}

/// Finite floats of mixed magnitude and sign, zeros of both signs among them.
std::vector<std::uint8_t> random_floats(std::mt19937& random, std::size_t count) {
  std::vector<std::uint8_t> bytes(count * sizeof(float));
  std::normal_distribution<float> normal;
  for (std::size_t i = 0; i < count; ++i) {
    float value = normal(random);
    if (random() % 16 == 0) value = random() % 2 == 0 ? 0.0f : -0.0f;
    std::memcpy(&bytes[i * sizeof(float)], &value, sizeof(float));
  }
  return bytes;
}

/// A buffer of `elements` and the readable margin behind it; the margin holds NaN or extremes.
std::vector<std::uint8_t> random_tensor(std::mt19937& random, DType dtype, std::int64_t elements,
                                        Values values) {
  auto bytes = dtype == DType::kFloat32 ? random_floats(random, static_cast<std::size_t>(elements))
                                        : random_bytes(random, static_cast<std::size_t>(elements),
                                                       values, dtype == DType::kInt8);
  bytes.insert(bytes.end(), kBufferMargin, 0xff);
  return bytes;
}

DType pick_dtype(std::mt19937& random) {
  constexpr DType kChoices[] = {DType::kInt8, DType::kUInt8, DType::kFloat32};
  return kChoices[pick(random, 0, 2)];
}

EpilogueStep pick_residual(std::mt19937& random, RandomProblem* p) {
  EpilogueStep step;
  step.kind = EpilogueStep::Kind::kResidual;
  step.residual_dtype = pick_dtype(random);
  step.residual_pixel_stride = p->shape.out_channels + pick(random, 0, 1) * pick(random, 0, 9);
  p->residuals.push_back(random_tensor(random, step.residual_dtype,
                                       p->shape.pixels() * step.residual_pixel_stride,
                                       Values::kUniform));
  step.residual = p->residuals.back().data();
  step.scale = step.residual_dtype == DType::kFloat32
                   ? 1.0f
                   : std::uniform_real_distribution<float>(0.01f, 2.0f)(random);
  return step;
}

EpilogueStep pick_table(std::mt19937& random, RandomProblem* p) {
  EpilogueStep step;
  step.kind = EpilogueStep::Kind::kTable;
  p->tables.push_back(random_bytes(random, 256, Values::kUniform, false));
  step.table = p->tables.back().data();
  const bool signed_input = pick(random, 0, 1) == 0;
  step.table_min = signed_input ? -128.0f : 0.0f;
  step.table_max = signed_input ? 127.0f : 255.0f;
  step.table_output_signed = pick(random, 0, 1) == 0;
  step.table_scale = std::uniform_real_distribution<float>(0.1f, 2.0f)(random);
  return step;
}

EpilogueStep pick_step(std::mt19937& random, RandomProblem* p) {
  EpilogueStep step;
  const bool int8 = p->type != ConvType::kF32;
  switch (pick(random, 0, 3)) {
    case 0:
      return pick_residual(random, p);
    case 1:
      step.kind = EpilogueStep::Kind::kClip;
      step.low = static_cast<float>(pick(random, -100, 0));
      step.high = static_cast<float>(pick(random, 0, 200)) * 0.7f;
      return step;
    case 2:
      step.kind = EpilogueStep::Kind::kLeaky;
      step.slope = 0.1f;
      return step;
    default:
      if (int8) return pick_table(random, p);
      step.kind = EpilogueStep::Kind::kActivation;
      step.activation =
          static_cast<std::uint8_t>(pick(random, 0, 1) == 0 ? Unary::kSilu : Unary::kHardSwish);
      return step;
  }
}

void fill_epilogue(std::mt19937& random, RandomProblem* p) {
  Epilogue& e = p->epilogue;
  const auto n = static_cast<std::size_t>(p->shape.out_channels);
  const std::int64_t group_channels = p->shape.in_channels / p->shape.groups;
  const auto depth = static_cast<double>(p->shape.kernel_h * p->shape.kernel_w * group_channels);
  // Outputs of a few hundred: rounding, both clamps and the inside of the range all occur.
  std::uniform_real_distribution<float> spread(0.2f, 2.0f);
  const float unit = static_cast<float>(1.0 / (90.0 * std::sqrt(depth)));
  std::uniform_real_distribution<float> bias(-60.0f, 60.0f);
  for (std::size_t i = 0; i < n; ++i) {
    p->multiplier.push_back(spread(random) * unit);
    p->bias.push_back(bias(random));
  }
  if (p->type != ConvType::kF32) e.multiplier = p->multiplier.data();
  if (p->type != ConvType::kF32 || pick(random, 0, 3) != 0) e.bias = p->bias.data();
  e.output_dtype = pick_dtype(random);
  e.step_count = static_cast<int>(std::max<std::int64_t>(0, pick(random, -3, kMaxEpilogueSteps)));
  p->residuals.reserve(kMaxEpilogueSteps);
  for (int i = 0; i < e.step_count; ++i) e.steps[i] = pick_step(random, p);
}

std::string describe(const RandomProblem& p) {
  const ConvShape& s = p.shape;
  std::string steps;
  for (int i = 0; i < p.epilogue.step_count; ++i) {
    steps += fmt::format(" {}", static_cast<int>(p.epilogue.steps[i].kind));
  }
  return fmt::format(
      "type {} batch {} in {}x{}x{} out {}x{}x{} groups {} kernel {}x{} stride {}x{} dilation "
      "{}x{} "
      "pad {},{} pixel strides {}, {} output {} steps{}",
      static_cast<int>(p.type), s.batch, s.in_h, s.in_w, s.in_channels, s.out_h, s.out_w,
      s.out_channels, s.groups, s.kernel_h, s.kernel_w, s.stride_h, s.stride_w, s.dilation_h,
      s.dilation_w, s.pad_top, s.pad_left, s.x_pixel_stride, s.y_pixel_stride,
      to_string(p.epilogue.output_dtype), steps);
}

}  // namespace

std::size_t RandomProblem::y_bytes() const {
  return static_cast<std::size_t>(shape.pixels() * shape.y_pixel_stride) *
         size_of(epilogue.output_dtype);
}

RandomProblem make_random_problem(std::mt19937& random, ConvType type, ProblemKind kind) {
  return make_random_problem_of(random, type, pick_shape(random, kind));
}

RandomProblem make_random_problem_of(std::mt19937& random, ConvType type, const ConvShape& shape) {
  RandomProblem p;
  p.type = type;
  p.shape = shape;
  const ConvShape& s = p.shape;
  constexpr Values kValues[] = {Values::kUniform, Values::kUniform, Values::kUniform,
                                Values::kLowest, Values::kHighest};
  const DType dtype = type == ConvType::kF32    ? DType::kFloat32
                      : type == ConvType::kU8S8 ? DType::kUInt8
                                                : DType::kInt8;
  p.x = random_tensor(random, dtype, s.batch * s.in_h * s.in_w * s.x_pixel_stride,
                      kValues[pick(random, 0, 4)]);
  p.weights = random_tensor(random, type == ConvType::kF32 ? DType::kFloat32 : DType::kInt8,
                            s.out_channels * s.kernel_h * s.kernel_w * s.in_channels / s.groups,
                            kValues[pick(random, 0, 4)]);
  fill_epilogue(random, &p);
  p.description = describe(p);
  return p;
}

std::vector<std::uint8_t> canary_output(const RandomProblem& problem) {
  return std::vector<std::uint8_t>(problem.y_bytes() + 2 * kCanaryBytes, kCanary);
}

std::vector<std::uint8_t> reference_output(const RandomProblem& problem) {
  auto y = canary_output(problem);
  convolution_reference(problem.shape, problem.type, problem.x.data(), problem.weights.data(),
                        y.data() + kCanaryBytes, problem.epilogue);
  return y;
}

std::string first_difference(const std::vector<std::uint8_t>& expected,
                             const std::vector<std::uint8_t>& actual) {
  const auto at = std::mismatch(expected.begin(), expected.end(), actual.begin());
  if (at.first == expected.end()) return "";
  const auto index = at.first - expected.begin() - static_cast<std::ptrdiff_t>(kCanaryBytes);
  return fmt::format("byte {} of y: expected {}, got {}", index, *at.first, *at.second);
}

}  // namespace xinfer::kernels
