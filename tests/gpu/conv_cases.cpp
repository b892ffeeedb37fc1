// Cases of the convolution templates.
#include "conv_cases.h"

#include <cmath>
#include <cstring>

#include "kernels/cuda/depthwise_kernels.h"
#include "kernels/elementwise/kinds.h"
#include "random.h"
#include "tactics.h"
#include "tensor_values.h"

namespace xinfer::gpu {
namespace {

using kernels::ConvShape;
using kernels::EpilogueStep;
using kernels::cuda::ConvLayout;
using kernels::cuda::KernelSpec;
using kernels::cuda::Operand;

constexpr Operand kSteps[] = {Operand::kStep0, Operand::kStep1, Operand::kStep2, Operand::kStep3};

std::vector<std::uint8_t> bytes_of(const std::vector<float>& values) {
  std::vector<std::uint8_t> bytes(4 * values.size());
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

void add_common(const RandomConv& conv, GpuCase& result) {
  result.batch = conv.batch;
  result.inputs.emplace_back(Operand::kInput, conv.x);
  for (std::size_t i = 0; i < conv.step_data.size(); ++i) {
    if (!conv.step_data[i].empty()) result.inputs.emplace_back(kSteps[i], conv.step_data[i]);
  }
  result.y_bytes = conv.y_bytes;
  result.y_offset = conv.y_offset;
  result.description = conv.description;
  result.expected = [conv] { return Expected{reference_output(conv, kFill), {}, {}}; };
}

}  // namespace

GpuCase gemm_case(const RandomConv& conv, std::vector<KernelSpec> specs, std::uint64_t seed) {
  GpuCase result;
  if (specs.empty()) return result;
  result.spec = std::move(specs[seed % specs.size()]);
  const ConvShape& shape = conv.problem.shape;
  const ConvLayout layout = kernels::cuda::conv_layout(shape, conv.problem.input);
  std::vector<std::uint8_t> packed(layout.weight_bytes());
  kernels::cuda::pack_conv_weights(shape, layout, conv.weights.data(), packed.data());
  result.inputs.emplace_back(Operand::kWeights, std::move(packed));
  const auto table = [&](const std::vector<float>& values) {
    std::vector<float> spread(static_cast<std::size_t>(layout.table_length()));
    kernels::cuda::pack_conv_table(layout, values, spread.data());
    return bytes_of(spread);
  };
  if (!conv.multiplier.empty()) {
    result.inputs.emplace_back(Operand::kMultiplier, table(conv.multiplier));
  }
  result.inputs.emplace_back(Operand::kBias, table(conv.bias));
  add_common(conv, result);
  return result;
}

// FP16 products are exact in float32; sums of k of them in any order are off by at most
// k * 2^-24 * sum |x w| (Higham, Accuracy and Stability of Numerical Algorithms, 4.2), twice that
// if the tensor core truncates. Each step rounds once more; so does the store, to 11 or 24 bits.
Expected half_reference(const RandomConv& conv) {
  const ConvShape& s = conv.problem.shape;
  const kernels::Epilogue& e = conv.problem.epilogue;
  const std::size_t size = size_of(e.output_dtype), count = conv.y_bytes / size;
  Expected expected{std::vector<std::uint8_t>(conv.y_bytes, kFill), std::vector<double>(count, 0.0),
                    std::vector<double>(count, -1.0)};
  const std::int64_t in = s.in_channels / s.groups, out = s.out_channels / s.groups;
  const std::int64_t taps = s.kernel_h * s.kernel_w;
  const auto first = static_cast<std::int64_t>(conv.y_offset / size);
  const double store_error = e.output_dtype == DType::kFloat16 ? 0x1p-11 : 0x1p-24;
  for (std::int64_t pixel = 0; pixel < conv.batch * s.out_h * s.out_w; ++pixel) {
    const std::int64_t image = pixel / (s.out_h * s.out_w);
    const std::int64_t oy = pixel / s.out_w % s.out_h, ox = pixel % s.out_w;
    for (std::int64_t n = 0; n < s.out_channels; ++n) {
      double sum = 0, magnitude = 0;
      for (std::int64_t tap = 0; tap < taps; ++tap) {
        const std::int64_t iy = oy * s.stride_h - s.pad_top + tap / s.kernel_w * s.dilation_h;
        const std::int64_t ix = ox * s.stride_w - s.pad_left + tap % s.kernel_w * s.dilation_w;
        if (iy < 0 || iy >= s.in_h || ix < 0 || ix >= s.in_w) continue;
        const std::int64_t at = ((image * s.in_h + iy) * s.in_w + ix) * s.x_pixel_stride;
        for (std::int64_t c = 0; c < in; ++c) {
          const double product = value_at(conv.x, DType::kFloat16, at + n / out * in + c) *
                                 value_at(conv.weights, DType::kFloat16, (n * taps + tap) * in + c);
          sum += product;
          magnitude += std::fabs(product);
        }
      }
      double y = sum + conv.bias[static_cast<std::size_t>(n)];
      magnitude += std::fabs(conv.bias[static_cast<std::size_t>(n)]);
      for (int i = 0; i < e.step_count; ++i) {
        const EpilogueStep& step = e.steps[i];
        if (step.kind == EpilogueStep::Kind::kResidual) {
          const double r = value_at(conv.step_data[static_cast<std::size_t>(i)],
                                    step.residual_dtype, pixel * step.residual_pixel_stride + n);
          y += r * step.scale;
          magnitude += std::fabs(r * step.scale);
        } else if (step.kind == EpilogueStep::Kind::kClip) {
          y = std::fmin(std::fmax(y, step.low), step.high);
        } else if (step.kind == EpilogueStep::Kind::kActivation) {
          y = 0.5 * y * std::erfc(-y / std::sqrt(2.0));  // GELU, whose slope is at most 1.13
          magnitude *= 1.13;
        } else if (y < 0) {
          y *= step.slope;
        }
      }
      const auto index = static_cast<std::size_t>(first + pixel * s.y_pixel_stride + n);
      expected.values[index] = y;
      expected.bounds[index] = 2.0 * static_cast<double>(taps * in + 4) * 0x1p-24 * magnitude +
                               store_error * (std::fabs(y) + magnitude * 0x1p-12) + 0x1p-25;
    }
    const std::int64_t stored = std::max(s.out_channels, conv.problem.stored_channels);
    for (std::int64_t n = s.out_channels; n < stored; ++n) {
      const auto index = static_cast<std::size_t>(first + pixel * s.y_pixel_stride + n);
      std::memset(&expected.bytes[index * size], 0, size);
    }
  }
  return expected;
}

void make_float(RandomConv& conv, DType dtype, std::uint64_t seed) {
  Random random(seed + 77);
  ConvShape& s = conv.problem.shape;
  kernels::Epilogue& e = conv.problem.epilogue;
  conv.problem.input = dtype;
  const ConvLayout layout = kernels::cuda::conv_layout(s, dtype);
  s.x_pixel_stride = round_up(layout.groups * layout.group_in_channels, 16);
  conv.x = random.tensor(DType::kFloat16, conv.batch * s.in_h * s.in_w * s.x_pixel_stride);
  conv.weights = random.tensor(DType::kFloat16,
                               s.out_channels * s.kernel_h * s.kernel_w * s.in_channels / s.groups);
  conv.multiplier.clear();
  e.multiplier = nullptr;
  e.output_dtype = dtype == DType::kFloat16 && random.chance(2) ? DType::kFloat16 : DType::kFloat32;
  conv.problem.stored_channels = std::min(conv.problem.stored_channels, layout.table_length());
  int kept = 0;
  std::vector<std::vector<std::uint8_t>> data;
  for (int i = 0; i < e.step_count; ++i) {
    EpilogueStep step = e.steps[i];
    if (step.kind == EpilogueStep::Kind::kTable) {
      if (dtype == DType::kFloat32) continue;
      step.kind = EpilogueStep::Kind::kActivation;
      step.activation = static_cast<std::uint8_t>(kernels::Unary::kGelu);
    }
    data.emplace_back();
    if (step.kind == EpilogueStep::Kind::kResidual) {
      step.residual_dtype = dtype;
      step.scale = 1.0f;
      data.back() =
          random.tensor(dtype, conv.batch * s.out_h * s.out_w * step.residual_pixel_stride);
    }
    e.steps[kept++] = step;
  }
  e.step_count = kept;
  conv.step_data = std::move(data);
  conv.y_offset = 0;
  conv.problem.output_align = 16;
  conv.y_bytes = static_cast<std::size_t>(conv.batch * s.out_h * s.out_w * s.y_pixel_stride) *
                 size_of(e.output_dtype);
}

namespace {

GpuCase depthwise(const RandomConv& conv, std::uint64_t seed) {
  const ConvShape& shape = conv.problem.shape;
  constexpr int kColumns[] = {1, 2, 4, 7, 8};
  Result<KernelSpec> spec =
      kernels::cuda::depthwise_kernel(conv.problem, {kColumns[seed % std::size(kColumns)]});
  GpuCase result;
  if (!spec.ok()) return result;
  result.spec = *std::move(spec);
  const auto pitch = static_cast<std::size_t>(kernels::cuda::depthwise_pitch(shape));
  const std::size_t element = size_of(conv.problem.input);
  std::vector<std::uint8_t> packed(static_cast<std::size_t>(shape.kernel_h * shape.kernel_w) *
                                   pitch * element);
  kernels::cuda::pack_depthwise_weights(shape, conv.weights.data(), packed.data(),
                                        static_cast<int>(element));
  result.inputs.emplace_back(Operand::kWeights, std::move(packed));
  std::vector<float> multiplier = conv.multiplier, bias = conv.bias;
  multiplier.resize(pitch, 0.0f);
  bias.resize(pitch);
  result.inputs.emplace_back(Operand::kMultiplier, bytes_of(multiplier));
  result.inputs.emplace_back(Operand::kBias, bytes_of(bias));
  add_common(conv, result);
  return result;
}

std::vector<std::uint8_t> widened(const std::vector<std::uint8_t>& halves) {
  std::vector<float> values(halves.size() / 2);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(value_at(halves, DType::kFloat16, static_cast<std::int64_t>(i)));
  }
  return bytes_of(values);
}

}  // namespace

GpuCase conv_mma_case(std::uint64_t seed) {
  const RandomConv conv = make_random_conv(seed, ConvFlavour::kAnyGroups);
  return gemm_case(conv, mma_variants(conv.problem), seed);
}

GpuCase conv_wgmma_case(std::uint64_t seed) {
  const RandomConv conv = make_random_conv(seed, ConvFlavour::kDense);
  return gemm_case(conv, wgmma_variants(conv.problem), seed);
}

GpuCase conv_halo_case(std::uint64_t seed) {
  const RandomConv conv = make_random_conv(seed, ConvFlavour::kHalo);
  return gemm_case(conv, halo_variants(conv.problem), seed);
}

GpuCase conv_halo_chunks_case(std::uint64_t seed) {
  RandomConv conv = make_random_conv(seed, ConvFlavour::kHaloChunks);
  const bool half = seed % 3 == 0;
  if (half) make_float(conv, DType::kFloat16, seed);
  GpuCase result = gemm_case(conv, halo_chunks_variants(conv.problem), seed / 3);
  if (half) result.expected = [conv] { return half_reference(conv); };
  return result;
}

GpuCase conv_latency_case(std::uint64_t seed) {
  const RandomConv conv = make_random_conv(seed, ConvFlavour::kDense);
  GpuCase result = gemm_case(conv, latency_variants(conv.problem), seed);
  if (seed % 3 == 0 && result.spec.may_wait_late) {
    result.spec = waiting_late(std::move(result.spec));
  }
  return result;
}

GpuCase conv_half_case(std::uint64_t seed) {
  const bool wgmma = seed % 2 == 0;
  RandomConv conv = make_random_conv(seed, wgmma ? ConvFlavour::kDense : ConvFlavour::kAnyGroups);
  make_float(conv, DType::kFloat16, seed);
  GpuCase result =
      gemm_case(conv, wgmma ? wgmma_variants(conv.problem) : mma_variants(conv.problem), seed / 2);
  result.expected = [conv] { return half_reference(conv); };
  return result;
}

GpuCase conv_float_case(std::uint64_t seed) {
  RandomConv conv = make_random_conv(seed, ConvFlavour::kAnyGroups);
  make_float(conv, DType::kFloat32, seed);
  conv.x = widened(conv.x);
  conv.weights = widened(conv.weights);
  Result<KernelSpec> spec = kernels::cuda::float_conv(conv.problem);
  return spec.ok() ? gemm_case(conv, {*std::move(spec)}, 0) : GpuCase();
}

GpuCase depthwise_case(std::uint64_t seed) {
  return depthwise(make_random_conv(seed, ConvFlavour::kDepthwise), seed);
}

GpuCase depthwise_half_case(std::uint64_t seed) {
  RandomConv conv = make_random_conv(seed, ConvFlavour::kDepthwise);
  make_float(conv, DType::kFloat16, seed);
  GpuCase result = depthwise(conv, seed);
  result.expected = [conv] { return half_reference(conv); };
  return result;
}

}  // namespace xinfer::gpu
