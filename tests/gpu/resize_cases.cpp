// Cases of Resize: all types give what the CPU's kernel gives, bit by bit; FP16 its float32
// rounded.
#include <cmath>
#include <cstring>

#include "core/thread_pool.h"
#include "gpu_case.h"
#include "kernels/cuda/resize_kernels.h"
#include "random.h"
#include "tensor_values.h"

namespace xinfer::gpu {
namespace {

using kernels::CoordinateMode;
using kernels::NearestMode;
using kernels::ResizeAxis;
using kernels::ResizeMode;
using kernels::ResizeParameters;
using kernels::cuda::Operand;
using kernels::cuda::ResizeProblem;

ResizeAxis pick_axis(Random& random) {
  constexpr double kScales[] = {2.0, 4.0, 0.5, 1.5, 0.4, 1.0, 3.3};
  ResizeAxis axis;
  axis.in = random.pick(1, 18);
  if (random.chance(3)) {
    axis.out = random.pick(1, 30);
    axis.scale = static_cast<double>(axis.out) / static_cast<double>(axis.in);
    return axis;
  }
  axis.scale = kScales[random.pick(0, 6)];
  axis.out = std::max<std::int64_t>(
      1, static_cast<std::int64_t>(std::floor(static_cast<double>(axis.in) * axis.scale)));
  return axis;
}

ResizeParameters pick_parameters(Random& random) {
  constexpr CoordinateMode kCoordinates[] = {
      CoordinateMode::kHalfPixel,          CoordinateMode::kPytorchHalfPixel,
      CoordinateMode::kAlignCorners,       CoordinateMode::kAsymmetric,
      CoordinateMode::kHalfPixelSymmetric, CoordinateMode::kTfHalfPixelForNn};
  ResizeParameters p;
  p.mode = random.chance(3)   ? ResizeMode::kNearest
           : random.chance(4) ? ResizeMode::kCubic
                              : ResizeMode::kLinear;
  p.coordinates = kCoordinates[random.pick(0, 5)];
  p.nearest = static_cast<NearestMode>(random.pick(0, 3));
  p.antialias = random.chance(4);
  p.exclude_outside = random.chance(4);
  const auto kind = random.pick(0, 3);
  p.x_dtype = kind == 0 ? DType::kFloat32 : kind == 1 ? DType::kFloat16 : random.int8_type();
  p.y_dtype = p.x_dtype;
  if (p.mode == ResizeMode::kNearest || kind < 2) return p;
  const auto output = random.pick(0, 5);
  p.y_dtype = output == 0 ? DType::kFloat32 : output == 1 ? DType::kFloat16 : random.int8_type();
  p.factor = random.real(0.5f, 2.0f);
  return p;
}

DType on_cpu(DType dtype) { return dtype == DType::kFloat16 ? DType::kFloat32 : dtype; }

/// Elements [from, from + count) of a tensor as the CPU holds them, appended to `to`.
void append(const std::vector<std::uint8_t>& bytes, DType dtype, std::int64_t from,
            std::int64_t count, std::vector<std::uint8_t>& to) {
  const std::size_t size = size_of(dtype);
  for (std::int64_t i = from; i < from + count; ++i) {
    const std::uint8_t* at = &bytes[static_cast<std::size_t>(i) * size];
    if (dtype != DType::kFloat16) {
      to.insert(to.end(), at, at + size);
      continue;
    }
    const auto value = static_cast<float>(value_at(bytes, dtype, i));
    const auto* first = reinterpret_cast<const std::uint8_t*>(&value);
    to.insert(to.end(), first, first + 4);
  }
}

/// Dense y, as the CPU computes it.
std::vector<std::uint8_t> cpu_resize(const ResizeProblem& p, std::int64_t batch,
                                     const std::vector<std::uint8_t>& dense_x) {
  ResizeParameters parameters = p.parameters;
  parameters.x_dtype = on_cpu(parameters.x_dtype);
  parameters.y_dtype = on_cpu(parameters.y_dtype);
  const ResizeAxis axes[] = {{batch, batch, 1.0}, p.height, p.width, {p.channels, p.channels, 1.0}};
  std::vector<std::uint8_t> y(
      static_cast<std::size_t>(batch * p.height.out * p.width.out * p.channels) *
      size_of(parameters.y_dtype));
  ThreadPool pool(1);
  kernels::make_resize(axes, parameters, CpuIsa::kPortable)
      .value()
      ->run(dense_x.data(), y.data(), pool);
  return y;
}

Expected expected_resize(const ResizeProblem& p, std::int64_t batch,
                         const std::vector<std::uint8_t>& x, std::size_t y_bytes) {
  std::vector<std::uint8_t> dense;
  for (std::int64_t pixel = 0; pixel < batch * p.height.in * p.width.in; ++pixel) {
    append(x, p.parameters.x_dtype, pixel * p.x_pixel_stride, p.channels, dense);
  }
  const std::vector<std::uint8_t> y = cpu_resize(p, batch, dense);
  const DType dtype = p.parameters.y_dtype;
  const std::size_t size = size_of(dtype), from_size = size_of(on_cpu(dtype));
  Expected expected{std::vector<std::uint8_t>(y_bytes, kFill), {}, {}};
  const std::int64_t stored = std::max(p.channels, p.stored_channels);
  for (std::int64_t pixel = 0; pixel < batch * p.height.out * p.width.out; ++pixel) {
    for (std::int64_t c = 0; c < stored; ++c) {
      std::uint8_t* to =
          &expected.bytes[static_cast<std::size_t>(pixel * p.y_pixel_stride + c) * size];
      const std::size_t from = static_cast<std::size_t>(pixel * p.channels + c) * from_size;
      if (c >= p.channels) {
        std::memset(to, 0, size);
      } else if (dtype == DType::kFloat16) {
        float value = 0;
        std::memcpy(&value, &y[from], 4);
        const std::uint16_t half = to_half(value);
        std::memcpy(to, &half, 2);
      } else {
        std::memcpy(to, &y[from], size);
      }
    }
  }
  return expected;
}

}  // namespace

GpuCase resize_case(std::uint64_t seed) {
  Random random(seed);
  ResizeProblem p;
  p.height = pick_axis(random);
  p.width = pick_axis(random);
  p.parameters = pick_parameters(random);
  p.channels = random.channels();
  const auto pitch = [&] {
    return random.chance(3) ? p.channels + random.pick(0, 5) : round_up(p.channels, 16);
  };
  p.x_pixel_stride = pitch();
  p.y_pixel_stride = pitch();
  if (random.chance(2)) p.stored_channels = p.y_pixel_stride;
  GpuCase result;
  Result<kernels::cuda::KernelSpec> spec = kernels::cuda::resize_kernel(p);
  if (!spec.ok()) return result;
  result.spec = *std::move(spec);
  result.batch = random.pick(1, 3);
  const auto x = random.tensor(p.parameters.x_dtype,
                               result.batch * p.height.in * p.width.in * p.x_pixel_stride);
  const std::vector<std::uint32_t> table = kernels::cuda::resize_table(p);
  std::vector<std::uint8_t> table_bytes(4 * table.size());
  std::memcpy(table_bytes.data(), table.data(), table_bytes.size());
  result.inputs = {{Operand::kInput, x}, {Operand::kWeights, std::move(table_bytes)}};
  result.y_bytes =
      static_cast<std::size_t>(result.batch * p.height.out * p.width.out * p.y_pixel_stride) *
      size_of(p.parameters.y_dtype);
  result.description = fmt::format(
      "seed {}: resize mode {}, coordinates {}, nearest {}, {}x{} -> {}x{}, {} channels, {} -> {}",
      seed, static_cast<int>(p.parameters.mode), static_cast<int>(p.parameters.coordinates),
      static_cast<int>(p.parameters.nearest), p.height.in, p.width.in, p.height.out, p.width.out,
      p.channels, to_string(p.parameters.x_dtype), to_string(p.parameters.y_dtype));
  result.expected = [p, x, batch = result.batch, bytes = result.y_bytes] {
    return expected_resize(p, batch, x, bytes);
  };
  return result;
}

}  // namespace xinfer::gpu
