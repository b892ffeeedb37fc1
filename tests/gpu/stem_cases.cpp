// Cases of the kernel that converts an image, convolves it and pools the result.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "conv_cases.h"
#include "image_cases.h"
#include "kernels/cuda/image_kernels.h"
#include "kernels/cuda/stem_kernels.h"
#include "kernels/quantize/quantize.h"
#include "random.h"

namespace xinfer::gpu {
namespace {

using kernels::ConvShape;
using kernels::EpilogueStep;
using kernels::PoolAxis;
using kernels::PoolShape;
using kernels::cuda::Operand;
using kernels::cuda::StemProblem;

// The image by the definition of space to depth, as float32 pixels of `pitch` elements.
std::vector<float> rearranged(const StemProblem& p, std::int64_t batch,
                              const std::vector<std::uint8_t>& image) {
  const ConvShape& s = p.conv.shape;
  const std::int64_t pitch = s.x_pixel_stride;
  std::vector<float> y(static_cast<std::size_t>(batch * s.in_h * s.in_w * pitch));
  for (std::int64_t n = 0; n < batch; ++n) {
    for (std::int64_t c = 0; c < p.channels; ++c) {
      for (std::int64_t iy = 0; iy < p.image_h; ++iy) {
        for (std::int64_t ix = 0; ix < p.image_w; ++ix) {
          const std::int64_t from = ((n * p.channels + c) * p.image_h + iy) * p.image_w + ix;
          const std::int64_t part = iy % p.block * p.block + ix % p.block;
          const std::int64_t pixel = (n * s.in_h + iy / p.block) * s.in_w + ix / p.block;
          std::memcpy(&y[static_cast<std::size_t>(pixel * pitch + part * p.channels + c)],
                      &image[4 * static_cast<std::size_t>(from)], 4);
        }
      }
    }
  }
  return y;
}

std::vector<std::uint8_t> converted(const StemProblem& p, std::int64_t batch,
                                    const std::vector<float>& x) {
  std::vector<std::uint8_t> y(x.size() * size_of(p.conv.input));
  if (p.conv.input == DType::kFloat16) {
    for (std::size_t i = 0; i < x.size(); ++i) {
      const std::uint16_t half = to_half(x[i]);
      std::memcpy(&y[2 * i], &half, 2);
    }
    return y;
  }
  kernels::ConvertShape dense;
  dense.batch = batch;
  dense.pixels = p.conv.shape.in_h * p.conv.shape.in_w;
  dense.channels = dense.x_pixel_stride = dense.y_pixel_stride = p.conv.shape.x_pixel_stride;
  kernels::convert_reference(dense, DType::kFloat32, x.data(), p.conv.input, y.data(), p.factor);
  return y;
}

void pick_conv(Random& random, bool half, StemProblem& p) {
  p.channels = random.pick(1, 4);
  p.block = random.pick(1, p.channels == 1 ? 4 : 2);
  p.image_h = random.pick(1, 40);
  p.image_w = random.chance(4) ? random.pick(100, 300) : random.pick(1, 70);
  p.factor = random.real(0.1f, 0.9f);
  ConvShape& s = p.conv.shape;
  s.in_h = (p.image_h + p.block - 1) / p.block;
  s.in_w = (p.image_w + p.block - 1) / p.block;
  s.in_channels = p.channels * p.block * p.block;
  p.conv.input = half ? DType::kFloat16 : random.int8_type();
  const bool single_tap = half && s.in_channels > 8;
  s.kernel_h = random.pick(1, 5);
  s.kernel_w = single_tap ? random.pick(1, 5) : 2 * random.pick(1, 3);
  s.pad_top = random.pick(0, s.kernel_h - 1);
  s.pad_left = random.pick(0, s.kernel_w - 1);
  s.out_h = std::max<std::int64_t>(1, s.in_h + s.pad_top + random.pick(0, 2) - s.kernel_h + 1);
  s.out_w = std::max<std::int64_t>(1, s.in_w + s.pad_left + random.pick(0, 2) - s.kernel_w + 1);
  s.out_channels = 8 * random.pick(1, 12) - random.pick(0, 3);
  s.x_pixel_stride = round_up(s.in_channels, half ? 8 : 16);
}

PoolAxis pick_axis(Random& random, std::int64_t in) {
  PoolAxis axis;
  axis.in = in;
  axis.kernel = random.pick(1, 3);
  axis.stride = random.pick(1, axis.kernel);
  axis.pad_begin = random.pick(0, axis.kernel - 1);
  axis.pad_end = random.pick(0, axis.kernel - 1);
  const std::int64_t padded = std::max(in + axis.pad_begin + axis.pad_end, axis.kernel);
  axis.out = (padded - axis.kernel) / axis.stride + 1;
  while ((axis.out - 1) * axis.stride - axis.pad_begin >= in) --axis.out;
  return axis;
}

void fill_weights(Random& random, bool half, RandomConv& conv) {
  const ConvShape& s = conv.problem.shape;
  const std::int64_t k = s.kernel_h * s.kernel_w * s.in_channels;
  conv.weights = random.tensor(half ? DType::kFloat16 : DType::kInt8, s.out_channels * k);
  const float spread = 60.0f / (std::sqrt(static_cast<float>(k)) * 74.0f * 100.0f);
  for (std::int64_t n = 0; n < s.out_channels; ++n) {
    if (!half) conv.multiplier.push_back(spread * random.real(0.2f, 2.0f));
    conv.bias.push_back(random.real(-60.0f, 90.0f));
  }
}

// The pooled outputs of a convolution that `conv` describes with dense pixels of out_channels.
Expected pooled(const RandomConv& conv, const PoolShape& pool, std::int64_t pitch,
                std::int64_t stored) {
  const bool half = conv.problem.input == DType::kFloat16;
  const std::int64_t channels = conv.problem.shape.out_channels;
  const DType type = conv.problem.epilogue.output_dtype;
  const std::size_t size = size_of(type);
  const std::int64_t pixels = conv.batch * pool.height.out * pool.width.out;
  Expected expected;
  expected.bytes.assign(static_cast<std::size_t>(pixels * pitch) * size, kFill);
  for (std::int64_t pixel = 0; pixel < pixels; ++pixel) {
    std::memset(&expected.bytes[static_cast<std::size_t>(pixel * pitch + channels) * size], 0,
                static_cast<std::size_t>(stored - channels) * size);
  }
  if (!half) {
    const std::vector<std::uint8_t> y = reference_output(conv, kFill);
    kernels::max_pool_reference(pool, type, y.data(), expected.bytes.data());
    return expected;
  }
  // The maximum of values is no farther from the maximum of their approximations than the farthest.
  const Expected y = half_reference(conv);
  std::vector<float> values(y.values.begin(), y.values.end());
  std::vector<float> bounds(y.bounds.begin(), y.bounds.end()), most(expected.bytes.size() / 2);
  std::vector<float> largest(most.size());
  kernels::max_pool_reference(pool, DType::kFloat32, values.data(), largest.data());
  kernels::max_pool_reference(pool, DType::kFloat32, bounds.data(), most.data());
  expected.values.assign(largest.begin(), largest.end());
  expected.bounds.assign(most.size(), -1.0);
  for (std::int64_t i = 0; i < pixels * pitch; ++i) {
    const auto at = static_cast<std::size_t>(i);
    // values and bounds were rounded to float32 on the way
    if (i % pitch < channels) {
      expected.bounds[at] = most[at] * (1 + 0x1p-22) + std::fabs(largest[at]) * 0x1p-23;
    }
  }
  return expected;
}

/// The pooling behind the convolution, at times none: its axes then change nothing.
PoolShape pick_pool(Random& random, std::int64_t batch, std::int64_t pitch, StemProblem& p) {
  const ConvShape& s = p.conv.shape;
  PoolShape pool;
  pool.batch = batch;
  pool.channels = pool.x_pixel_stride = s.out_channels;
  pool.y_pixel_stride = pitch;
  pool.height.in = pool.height.out = s.out_h;
  pool.width.in = pool.width.out = s.out_w;
  if (!random.chance(3)) {
    pool.height = pick_axis(random, s.out_h);
    pool.width = pick_axis(random, s.out_w);
    p.pool = pool;
  }
  return pool;
}

/// The convolution alone, with weights and an epilogue; its output pixels are dense.
RandomConv pick_layer(Random& random, const StemProblem& p, std::int64_t batch) {
  static const float kPresent = 1.0f;
  const bool half = p.conv.input == DType::kFloat16;
  RandomConv conv;
  conv.batch = batch;
  conv.problem = p.conv;
  conv.problem.epilogue.multiplier = half ? nullptr : &kPresent;
  conv.problem.epilogue.bias = &kPresent;
  conv.problem.epilogue.output_dtype = half ? DType::kFloat16 : random.int8_type();
  if (random.chance(2)) add_function(random, /*may_be_table=*/!half, conv);
  fill_weights(random, half, conv);
  ConvShape& s = conv.problem.shape;
  s.y_pixel_stride = s.out_channels;
  conv.y_bytes = static_cast<std::size_t>(batch * s.out_h * s.out_w * s.out_channels) *
                 size_of(conv.problem.epilogue.output_dtype);
  return conv;
}

/// What a stem reads beside its weights.
struct StemImage {
  std::vector<std::uint8_t> image, tables;  ///< tables: of u8 images alone
};

/// An image, of u8 if the problem's is; the convolution's input is made from it.
StemImage pick_image(Random& random, const StemProblem& p, RandomConv& conv) {
  const std::int64_t elements = conv.batch * p.channels * p.image_h * p.image_w;
  StemImage picked;
  picked.image = random.tensor(p.byte_image ? DType::kUInt8 : DType::kFloat32, elements);
  if (!p.byte_image) {
    conv.x = converted(p, conv.batch, rearranged(p, conv.batch, picked.image));
    return picked;
  }
  const DType type = kernels::cuda::image_table_type(p.conv.input);
  picked.tables = random.tensor(type, 256 * p.channels);
  conv.x = through_tables(
      {conv.batch, p.image_h, p.image_w, p.channels, p.block, p.conv.shape.x_pixel_stride},
      picked.image, picked.tables, p.conv.input);
  return picked;
}

std::string description_of(std::uint64_t seed, const StemProblem& p, const PoolShape& pool) {
  const ConvShape& s = p.conv.shape;
  return fmt::format(
      "seed {}: batch {}, {} image {}x{}x{} in blocks of {}, {} -> {}x{}x{} {}, kernel "
      "{}x{}, pool {}x{} to {}x{}, {} steps",
      seed, pool.batch, p.byte_image ? "u8" : "float32", p.image_h, p.image_w, p.channels, p.block,
      to_string(p.conv.input), s.out_h, s.out_w, s.out_channels,
      to_string(p.conv.epilogue.output_dtype), s.kernel_h, s.kernel_w, pool.height.kernel,
      pool.width.kernel, pool.height.out, pool.width.out, p.conv.epilogue.step_count);
}

}  // namespace

GpuCase conv_stem_case(std::uint64_t seed) {
  Random random(seed);
  const bool half = random.chance(3);
  StemProblem p;
  pick_conv(random, half, p);
  const std::int64_t batch = random.pick(1, 3), granule = half ? 8 : 16;
  const std::int64_t stored = round_up(p.conv.shape.out_channels, granule);
  const std::int64_t pitch = stored + granule * random.pick(0, 2);
  const PoolShape pool = pick_pool(random, batch, pitch, p);
  RandomConv conv = pick_layer(random, p, batch);
  p.conv.epilogue = conv.problem.epilogue;
  p.conv.shape.y_pixel_stride = pitch;
  p.conv.stored_channels = stored;
  p.byte_image = random.chance(3);
  const StemImage picked = pick_image(random, p, conv);

  const kernels::cuda::StemTactic tactic{static_cast<int>(random.pick(1, 9)),
                                         static_cast<int>(random.pick(1, 4)),
                                         static_cast<int>(random.pick(1, 3))};
  Result<kernels::cuda::KernelSpec> spec = kernels::cuda::stem_kernel(p, tactic);
  if (!spec.ok()) return {};
  GpuCase result = gemm_case(conv, {*std::move(spec)}, 0);
  for (auto& [operand, bytes] : result.inputs) {
    if (operand == Operand::kInput) bytes = picked.image;
  }
  if (p.byte_image) result.inputs.emplace_back(Operand::kInput2, picked.tables);
  result.y_bytes = static_cast<std::size_t>(batch * pool.height.out * pool.width.out * pitch) *
                   size_of(p.conv.epilogue.output_dtype);
  result.description = description_of(seed, p, pool);
  result.expected = [conv, pool, pitch, stored] { return pooled(conv, pool, pitch, stored); };
  return result;
}

}  // namespace xinfer::gpu
