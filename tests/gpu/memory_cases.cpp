// Cases of the kernels that only move or combine: conversion, addition, tables, pooling.
#include <cstring>

#include "gpu_case.h"
#include "kernels/cuda/pointwise_kernels.h"
#include "kernels/cuda/pool_kernels.h"
#include "random.h"

namespace xinfer::gpu {
namespace {

using kernels::ChannelOrder;
using kernels::cuda::KernelSpec;
using kernels::cuda::Operand;

GpuCase with_spec(Result<KernelSpec> spec) {
  GpuCase result;
  if (spec.ok()) result.spec = *std::move(spec);
  return result;
}

std::int64_t pick_pitch(Random& random, std::int64_t channels) {
  return random.chance(4) ? channels + random.pick(0, 9)
                          : round_up(channels, 16) + 16 * random.pick(0, 1);
}

std::int64_t pick_stored(Random& random, std::int64_t channels, std::int64_t pitch) {
  return random.chance(2) ? channels : std::min(round_up(channels, 16), pitch);
}

// Zeros in the padding channels that a kernel owns.
void clear_padding(std::vector<std::uint8_t>& bytes, std::size_t size, std::int64_t pixels,
                   std::int64_t pitch, std::int64_t channels, std::int64_t stored) {
  for (std::int64_t p = 0; p < pixels; ++p) {
    std::memset(&bytes[static_cast<std::size_t>(p * pitch + channels) * size], 0,
                static_cast<std::size_t>(stored - channels) * size);
  }
}

// Space to depth by its definition: the output [batch, oh, ow, block * block * channels] dense.
std::vector<float> rearranged(const std::vector<std::uint8_t>& x, const kernels::ConvertShape& s,
                              std::int64_t batch, std::int64_t h, std::int64_t w,
                              std::int64_t block) {
  const std::int64_t oh = (h + block - 1) / block, ow = (w + block - 1) / block;
  std::vector<float> y(static_cast<std::size_t>(batch * oh * ow * block * block * s.channels));
  for (std::int64_t n = 0; n < batch; ++n) {
    for (std::int64_t c = 0; c < s.channels; ++c) {
      for (std::int64_t iy = 0; iy < h; ++iy) {
        for (std::int64_t ix = 0; ix < w; ++ix) {
          const std::int64_t pixel = iy * w + ix;
          const std::int64_t from = s.x_order == ChannelOrder::kPlanar
                                        ? (n * s.channels + c) * h * w + pixel
                                        : (n * h * w + pixel) * s.x_pixel_stride + c;
          const std::int64_t part = iy % block * block + ix % block;
          const std::int64_t to =
              ((n * oh + iy / block) * ow + ix / block) * block * block * s.channels +
              part * s.channels + c;
          std::memcpy(&y[static_cast<std::size_t>(to)], &x[4 * static_cast<std::size_t>(from)], 4);
        }
      }
    }
  }
  return y;
}

GpuCase space_to_depth_case(Random& random, std::uint64_t seed) {
  kernels::cuda::ConvertProblem p;
  p.space_to_depth = random.pick(2, 3);
  p.in_h = random.pick(1, 20);
  p.in_w = random.pick(1, 20);
  p.shape.pixels = p.in_h * p.in_w;
  p.shape.channels = random.pick(1, 5);
  p.shape.x_order = random.chance(2) ? ChannelOrder::kPlanar : ChannelOrder::kInnermost;
  p.shape.x_pixel_stride = p.shape.channels + random.pick(0, 3);
  const std::int64_t out_channels = p.shape.channels * p.space_to_depth * p.space_to_depth;
  p.shape.y_pixel_stride = round_up(out_channels, 16);
  p.stored_channels = p.shape.y_pixel_stride;
  p.output = random.int8_type();
  p.factor = random.real(0.1f, 0.9f);
  GpuCase result = with_spec(kernels::cuda::convert_kernel(p));
  result.batch = random.pick(1, 3);
  const std::int64_t pitch =
      p.shape.x_order == ChannelOrder::kPlanar ? p.shape.channels : p.shape.x_pixel_stride;
  auto x = random.tensor(DType::kFloat32, result.batch * p.shape.pixels * pitch);
  result.inputs.emplace_back(Operand::kInput, x);
  const std::int64_t out_pixels = (p.in_h + p.space_to_depth - 1) / p.space_to_depth *
                                  ((p.in_w + p.space_to_depth - 1) / p.space_to_depth);
  result.y_bytes = static_cast<std::size_t>(result.batch * out_pixels * p.shape.y_pixel_stride);
  result.description = fmt::format("seed {}: space to depth by {} of {}x{}x{}", seed,
                                   p.space_to_depth, p.in_h, p.in_w, p.shape.channels);
  result.expected = [=, batch = result.batch, bytes = result.y_bytes] {
    const std::vector<float> moved =
        rearranged(x, p.shape, batch, p.in_h, p.in_w, p.space_to_depth);
    kernels::ConvertShape dense;
    dense.batch = batch;
    dense.pixels = out_pixels;
    dense.channels = dense.x_pixel_stride = out_channels;
    dense.y_pixel_stride = p.shape.y_pixel_stride;
    Expected expected{std::vector<std::uint8_t>(bytes, 0), {}, {}};
    kernels::convert_reference(dense, DType::kFloat32, moved.data(), p.output,
                               expected.bytes.data(), p.factor);
    return expected;
  };
  return result;
}

}  // namespace

GpuCase convert_case(std::uint64_t seed) {
  Random random(seed);
  if (random.chance(4)) return space_to_depth_case(random, seed);
  kernels::cuda::ConvertProblem p;
  kernels::ConvertShape& s = p.shape;
  s.pixels = random.pick(1, 300);
  s.channels = random.channels();
  s.x_order = random.chance(2) ? ChannelOrder::kPlanar : ChannelOrder::kInnermost;
  s.y_order = random.chance(3) ? ChannelOrder::kPlanar : ChannelOrder::kInnermost;
  const bool x_planar = s.x_order == ChannelOrder::kPlanar;
  const bool y_planar = s.y_order == ChannelOrder::kPlanar;
  s.x_pixel_stride = x_planar ? s.channels : pick_pitch(random, s.channels);
  s.y_pixel_stride = y_planar ? s.channels : pick_pitch(random, s.channels);
  p.input = random.chance(2) ? DType::kFloat32 : random.int8_type();
  p.output = random.chance(3) ? DType::kFloat32 : random.int8_type();
  p.factor = random.real(0.05f, 1.5f);
  if (!y_planar) p.stored_channels = pick_stored(random, s.channels, s.y_pixel_stride);
  GpuCase result = with_spec(kernels::cuda::convert_kernel(p));
  result.batch = s.batch = random.pick(1, 3);
  auto x = random.tensor(p.input, s.batch * s.pixels * s.x_pixel_stride);
  result.inputs.emplace_back(Operand::kInput, x);
  const std::size_t size = size_of(p.output);
  result.y_bytes = static_cast<std::size_t>(s.batch * s.pixels * s.y_pixel_stride) * size;
  result.description = fmt::format(
      "seed {}: convert {} to {}, {} pixels of {} channels, planar {} to {}", seed,
      to_string(p.input), to_string(p.output), s.pixels, s.channels, x_planar, y_planar);
  result.expected = [=, bytes = result.y_bytes] {
    Expected expected{std::vector<std::uint8_t>(bytes, kFill), {}, {}};
    if (p.stored_channels > s.channels) {
      clear_padding(expected.bytes, size, s.batch * s.pixels, s.y_pixel_stride, s.channels,
                    p.stored_channels);
    }
    kernels::convert_reference(s, p.input, x.data(), p.output, expected.bytes.data(), p.factor);
    return expected;
  };
  return result;
}

GpuCase combine_case(std::uint64_t seed) {
  Random random(seed);
  kernels::cuda::CombineProblem p;
  kernels::ResidualShape& s = p.shape;
  s.pixels = random.pick(1, 300);
  s.channels = random.channels();
  s.a_pixel_stride = pick_pitch(random, s.channels);
  s.b_pixel_stride = pick_pitch(random, s.channels);
  s.b_batch_stride = s.pixels * s.b_pixel_stride;
  if (random.chance(3)) {  // one row of channels an image
    s.b_batch_stride = s.b_pixel_stride;
    s.b_pixel_stride = 0;
  }
  s.y_pixel_stride = pick_pitch(random, s.channels);
  p.stored_channels = pick_stored(random, s.channels, s.y_pixel_stride);
  p.parameters.op = random.chance(2) ? kernels::ResidualOp::kAdd : kernels::ResidualOp::kMultiply;
  p.parameters.a_dtype = random.int8_type();
  p.parameters.b_dtype = random.int8_type();
  p.parameters.y_dtype = random.chance(4) ? DType::kFloat32 : random.int8_type();
  p.parameters.a_factor = random.real(0.005f, 1.0f);
  p.parameters.b_factor = random.real(0.01f, 1.0f);
  if (random.chance(2)) p.parameters.clip_low = 0.0f;
  if (random.chance(3)) p.parameters.clip_high = 90.0f;
  GpuCase result = with_spec(kernels::cuda::combine_kernel(p));
  result.batch = s.batch = random.pick(1, 3);
  const std::int64_t b_image = std::max(s.b_batch_stride, s.b_pixel_stride);
  auto a = random.tensor(p.parameters.a_dtype, s.batch * s.pixels * s.a_pixel_stride);
  auto b = random.tensor(p.parameters.b_dtype, s.batch * b_image);
  result.inputs.emplace_back(Operand::kInput, a);
  result.inputs.emplace_back(Operand::kInput2, b);
  const std::size_t size = size_of(p.parameters.y_dtype);
  result.y_bytes = static_cast<std::size_t>(s.batch * s.pixels * s.y_pixel_stride) * size;
  result.description = fmt::format(
      "seed {}: {} pixels of {} channels, {} {} {} -> {}", seed, s.pixels, s.channels,
      to_string(p.parameters.a_dtype), p.parameters.op == kernels::ResidualOp::kAdd ? "+" : "*",
      to_string(p.parameters.b_dtype), to_string(p.parameters.y_dtype));
  result.expected = [=, bytes = result.y_bytes] {
    Expected expected{std::vector<std::uint8_t>(bytes, kFill), {}, {}};
    clear_padding(expected.bytes, size, s.batch * s.pixels, s.y_pixel_stride, s.channels,
                  p.stored_channels);
    kernels::residual_reference(s, p.parameters, a.data(), b.data(), expected.bytes.data());
    return expected;
  };
  return result;
}

GpuCase table_case(std::uint64_t seed) {
  Random random(seed);
  kernels::cuda::TableProblem p;
  p.pixels = random.pick(1, 300);
  p.channels = random.channels();
  p.x_pixel_stride = pick_pitch(random, p.channels);
  p.y_pixel_stride = pick_pitch(random, p.channels);
  p.input = random.int8_type();
  p.output = random.int8_type();
  p.stored_channels = pick_stored(random, p.channels, p.y_pixel_stride);
  GpuCase result = with_spec(kernels::cuda::table_kernel(p));
  result.batch = random.pick(1, 3);
  auto x = random.tensor(p.input, result.batch * p.pixels * p.x_pixel_stride);
  auto table = random.tensor(DType::kUInt8, 256);
  result.inputs.emplace_back(Operand::kInput, x);
  result.inputs.emplace_back(Operand::kInput2, table);
  result.y_bytes = static_cast<std::size_t>(result.batch * p.pixels * p.y_pixel_stride);
  result.description =
      fmt::format("seed {}: table over {} pixels of {} channels", seed, p.pixels, p.channels);
  result.expected = [=, pixels = result.batch * p.pixels, bytes = result.y_bytes] {
    Expected expected{std::vector<std::uint8_t>(bytes, kFill), {}, {}};
    clear_padding(expected.bytes, 1, pixels, p.y_pixel_stride, p.channels, p.stored_channels);
    for (std::int64_t pixel = 0; pixel < pixels; ++pixel) {
      for (std::int64_t c = 0; c < p.channels; ++c) {
        expected.bytes[static_cast<std::size_t>(pixel * p.y_pixel_stride + c)] =
            table[x[static_cast<std::size_t>(pixel * p.x_pixel_stride + c)]];
      }
    }
    return expected;
  };
  return result;
}

namespace {

kernels::PoolAxis pick_axis(Random& random, std::int64_t in, bool global) {
  kernels::PoolAxis axis;
  axis.in = in;
  axis.kernel = global ? in : random.pick(1, 4);
  if (global) return axis;
  axis.stride = random.pick(1, 3);
  axis.dilation = random.chance(4) ? 2 : 1;
  const std::int64_t span = (axis.kernel - 1) * axis.dilation + 1;
  axis.pad_begin = random.pick(0, axis.kernel - 1);
  axis.pad_end = random.pick(0, axis.kernel - 1);
  const std::int64_t padded = axis.in + axis.pad_begin + axis.pad_end;
  axis.out = padded < span ? 1 : (padded - span) / axis.stride + 1;
  return axis;
}

GpuCase pool_case(std::uint64_t seed, kernels::PoolKind kind) {
  Random random(seed);
  kernels::cuda::PoolProblem p;
  p.kind = kind;
  kernels::PoolShape& s = p.shape;
  const bool global = kind == kernels::PoolKind::kAverage && random.chance(3);
  s.channels = random.channels();
  s.height = pick_axis(random, random.pick(1, 20), global);
  s.width = pick_axis(random, random.pick(1, 20), global);
  s.x_pixel_stride = pick_pitch(random, s.channels);
  s.y_pixel_stride = pick_pitch(random, s.channels);
  p.stored_channels = pick_stored(random, s.channels, s.y_pixel_stride);
  const bool is_max = kind == kernels::PoolKind::kMax;
  p.types.x_dtype = random.chance(4) ? DType::kFloat32 : random.int8_type();
  p.types.y_dtype = p.types.x_dtype;
  if (!is_max && p.types.x_dtype != DType::kFloat32) {
    p.types.y_dtype = random.chance(4) ? DType::kFloat32 : random.int8_type();
  }
  p.types.x_scale = random.real(0.01f, 0.2f);
  p.types.y_scale = random.real(0.01f, 0.2f);
  p.types.count_include_pad = random.chance(2);
  GpuCase result = with_spec(kernels::cuda::pool_kernel(p));
  result.batch = s.batch = random.pick(1, 3);
  auto x = random.tensor(p.types.x_dtype, s.batch * s.height.in * s.width.in * s.x_pixel_stride);
  result.inputs.emplace_back(Operand::kInput, x);
  const std::vector<float> factors = kernels::cuda::pool_factors(p);
  std::vector<std::uint8_t> factor_bytes(4 * factors.size());
  std::memcpy(factor_bytes.data(), factors.data(), factor_bytes.size());
  result.inputs.emplace_back(Operand::kMultiplier, std::move(factor_bytes));
  const std::size_t size = size_of(p.types.y_dtype);
  const std::int64_t pixels = s.batch * s.height.out * s.width.out;
  result.y_bytes = static_cast<std::size_t>(pixels * s.y_pixel_stride) * size;
  result.description = fmt::format(
      "seed {}: {} {}x{} over {}x{}x{}, stride {}x{}, {} -> {}", seed, is_max ? "max" : "average",
      s.height.kernel, s.width.kernel, s.height.in, s.width.in, s.channels, s.height.stride,
      s.width.stride, to_string(p.types.x_dtype), to_string(p.types.y_dtype));
  result.expected = [=, bytes = result.y_bytes] {
    Expected expected{std::vector<std::uint8_t>(bytes, kFill), {}, {}};
    clear_padding(expected.bytes, size, pixels, s.y_pixel_stride, s.channels, p.stored_channels);
    if (is_max) {
      kernels::max_pool_reference(s, p.types.x_dtype, x.data(), expected.bytes.data());
    } else {
      kernels::average_pool_reference(s, p.types, x.data(), expected.bytes.data());
    }
    return expected;
  };
  return result;
}

}  // namespace

GpuCase max_pool_case(std::uint64_t seed) { return pool_case(seed, kernels::PoolKind::kMax); }
GpuCase average_pool_case(std::uint64_t seed) {
  return pool_case(seed, kernels::PoolKind::kAverage);
}

}  // namespace xinfer::gpu
