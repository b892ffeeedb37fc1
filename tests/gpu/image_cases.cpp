#include "image_cases.h"

#include <fmt/format.h>

#include <cstring>

#include "gpu_case.h"
#include "kernels/cuda/image_kernels.h"
#include "random.h"

namespace xinfer::gpu {

using kernels::cuda::Operand;

std::vector<std::uint8_t> through_tables(const ImageBlocks& s,
                                         const std::vector<std::uint8_t>& pixels,
                                         const std::vector<std::uint8_t>& tables, DType output) {
  const std::size_t size = size_of(output);
  const std::size_t entry_size = size_of(kernels::cuda::image_table_type(output));
  std::vector<std::uint8_t> y(static_cast<std::size_t>(s.batch * s.out_h() * s.out_w() * s.pitch) *
                              size);
  for (std::int64_t i = 0; i < s.batch * s.h * s.w * s.channels; ++i) {
    const std::int64_t c = i % s.channels, pixel = i / s.channels;
    const std::int64_t ix = pixel % s.w, iy = pixel / s.w % s.h, n = pixel / s.w / s.h;
    const std::int64_t part = iy % s.block * s.block + ix % s.block;
    const std::int64_t block = (n * s.out_h() + iy / s.block) * s.out_w() + ix / s.block;
    const auto to = static_cast<std::size_t>(block * s.pitch + part * s.channels + c);
    const auto entry = static_cast<std::size_t>(256 * c + pixels[static_cast<std::size_t>(i)]);
    if (output == DType::kFloat16) {
      float value = 0;
      std::memcpy(&value, &tables[entry * entry_size], entry_size);
      const std::uint16_t half = to_half(value);
      std::memcpy(&y[to * size], &half, size);
    } else {
      std::memcpy(&y[to * size], &tables[entry * entry_size], size);
    }
  }
  return y;
}

GpuCase image_case(std::uint64_t seed) {
  Random random(seed);
  ImageBlocks s;
  s.batch = random.pick(1, 3);
  s.h = random.pick(1, 30);
  s.w = random.pick(1, 30);
  s.channels = random.pick(1, 5);
  s.block = random.chance(2) ? random.pick(2, 4) : 1;
  const std::int64_t channels = s.channels * s.block * s.block;
  s.pitch = random.chance(3) ? channels : round_up(channels, 16);
  kernels::cuda::ImageProblem p;
  p.in_h = s.h;
  p.in_w = s.w;
  p.channels = s.channels;
  p.y_pixel_stride = p.stored_channels = s.pitch;
  p.space_to_depth = s.block;
  p.output = random.chance(3)   ? DType::kFloat32
             : random.chance(3) ? DType::kFloat16
                                : random.int8_type();
  GpuCase result;
  if (auto spec = kernels::cuda::image_kernel(p); spec.ok()) result.spec = *std::move(spec);
  result.batch = s.batch;
  const auto x = random.tensor(DType::kUInt8, s.batch * s.h * s.w * s.channels);
  const auto tables = random.tensor(kernels::cuda::image_table_type(p.output), 256 * s.channels);
  result.inputs.emplace_back(Operand::kInput, x);
  result.inputs.emplace_back(Operand::kInput2, tables);
  result.y_bytes =
      static_cast<std::size_t>(s.batch * s.out_h() * s.out_w() * s.pitch) * size_of(p.output);
  result.description =
      fmt::format("seed {}: batch {}, u8 image {}x{}x{} in blocks of {} to {}", seed, s.batch, s.h,
                  s.w, s.channels, s.block, to_string(p.output));
  result.expected = [=, type = p.output] {
    return Expected{through_tables(s, x, tables, type), {}, {}};
  };
  return result;
}

}  // namespace xinfer::gpu
