// Cases of the generated elementwise kernels: functions of floats and of integers, and parts of an
// axis joined.
#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <numeric>

#include "gpu_case.h"
#include "kernels/cuda/elementwise_kernels.h"
#include "random.h"
#include "tensor_values.h"

namespace xinfer::gpu {
namespace {

using kernels::cuda::elementwise_operand;
using kernels::cuda::ElementwiseProblem;

/// gelu(a) + b, b perhaps one row for all.
GpuCase function_case(Random& random, std::uint64_t seed) {
  ElementwiseProblem p;
  const std::int64_t rows = random.pick(1, 30);
  const std::int64_t columns = random.chance(2) ? 8 * random.pick(1, 9) : random.pick(1, 70);
  const bool row_of_b = random.chance(2);
  p.padding = random.chance(2) ? 0 : random.chance(2) ? 8 : random.pick(0, 3);
  const std::int64_t pitch = columns + p.padding;
  p.axes = {{rows, {columns, row_of_b ? 0 : columns}, pitch}, {columns, {1, 1}, 1}};
  p.operands = {{float_type(random), rows * columns},
                {float_type(random), row_of_b ? 0 : rows * columns}};
  p.y_image_stride = rows * pitch;
  p.y_dtype = float_type(random);
  p.expression = kernels::cuda::binary_expression(
                     kernels::Binary::kAdd,
                     kernels::cuda::unary_expression(kernels::Unary::kGelu, 0, 0, "a").value(), "b")
                     .value();
  GpuCase result;
  result.spec = kernels::cuda::elementwise_kernel(p, "gelu_add").value();
  result.batch = random.pick(1, 3);
  const DType a_type = p.operands[0].dtype, b_type = p.operands[1].dtype;
  const auto a = small_floats(random, result.batch * rows * columns, a_type);
  const auto b = small_floats(random, result.batch * rows * columns, b_type);
  result.inputs = {{elementwise_operand(0), a}, {elementwise_operand(1), b}};
  result.y_bytes = static_cast<std::size_t>(result.batch * rows * pitch) * size_of(p.y_dtype);
  result.description = fmt::format("seed {}: gelu(a) + b, {}x{}", seed, rows, columns);
  result.expected = [=, bytes = result.y_bytes, type = p.y_dtype] {
    const std::size_t count = bytes / size_of(type);
    Expected expected{std::vector<std::uint8_t>(bytes), std::vector<double>(count),
                      std::vector<double>(count)};
    for (std::size_t at = 0; at < count; ++at) {
      const auto i = static_cast<std::int64_t>(at);
      const std::int64_t column = i % pitch, row = i / pitch % rows, image = i / pitch / rows;
      if (column >= columns) continue;
      const std::int64_t from = (image * rows + row) * columns + column;
      const double x = value_at(a, a_type, from);
      const double other = value_at(b, b_type, row_of_b ? column : from);
      const double gelu = 0.5 * x * std::erfc(-x / std::sqrt(2.0));
      expected.values[at] = gelu + other;
      // erff errs by 2 units in the last place of up to 1 (CUDA's table), here times x / 2.
      expected.bounds[at] =
          kRounding * (8.0 * std::fabs(x) + 4.0 * (std::fabs(gelu) + std::fabs(other))) +
          store_error(type, gelu + other);
    }
    return expected;
  };
  return result;
}

/// Up to four parts, joined along one of three axes; parts without a batch are the same for every
/// image.
GpuCase joined_case(Random& random, std::uint64_t seed) {
  constexpr DType kTypes[] = {DType::kInt8,  DType::kUInt8, DType::kFloat16,
                              DType::kInt32, DType::kInt64, DType::kBool};
  const DType type = kTypes[random.pick(0, 5)];
  const std::size_t size = size_of(type);
  ElementwiseProblem p;
  p.y_dtype = type;
  p.range_axis = static_cast<int>(random.pick(0, 2));
  const auto axis = static_cast<std::size_t>(p.range_axis);
  std::array<std::int64_t, 3> dims = {
      random.pick(1, 6), random.pick(1, 6),
      random.chance(2) ? 8 * random.pick(1, 4) : random.pick(1, 20)};
  const auto parts = static_cast<std::size_t>(random.pick(2, 4));
  std::vector<std::int64_t> sizes;
  for (std::size_t k = 0; k < parts; ++k) {
    sizes.push_back(random.chance(2) ? 16 * random.pick(1, 2) : random.pick(1, 9));
  }
  dims[axis] = std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0});
  p.padding = random.chance(2) ? 0 : 16;
  const std::int64_t pitch = dims[2] + p.padding;
  p.axes = {{dims[0], {}, dims[1] * pitch}, {dims[1], {}, pitch}, {dims[2], {}, 1}};
  p.y_image_stride = dims[0] * dims[1] * pitch;
  GpuCase result;
  result.batch = random.pick(1, 3);
  std::vector<std::vector<std::uint8_t>> data;
  std::vector<bool> shared;
  std::int64_t begin = 0;
  for (std::size_t k = 0; k < parts; ++k) {
    std::array<std::int64_t, 3> own = dims;
    own[axis] = sizes[k];
    const std::int64_t elements = own[0] * own[1] * own[2];
    shared.push_back(random.chance(4));
    p.axes[0].strides[k] = own[1] * own[2];
    p.axes[1].strides[k] = own[2];
    p.axes[2].strides[k] = 1;
    p.operands.push_back({type, shared[k] ? 0 : elements, begin, begin + sizes[k]});
    begin += sizes[k];
    const std::int64_t count = elements * (shared[k] ? 1 : result.batch);
    if (type == DType::kFloat16) {
      data.push_back(small_floats(random, count, type));
    } else {
      data.push_back(random.tensor(DType::kUInt8, count * static_cast<std::int64_t>(size)));
    }
    for (std::uint8_t& byte : data.back()) byte = type == DType::kBool ? byte % 2 : byte;
    p.expression += k + 1 == parts
                        ? std::string(1, static_cast<char>('a' + k))
                        : fmt::format("place.inside[{}] ? {} : ", k, static_cast<char>('a' + k));
    result.inputs.emplace_back(elementwise_operand(k), data.back());
  }
  result.spec = kernels::cuda::elementwise_kernel(p, "concat").value();
  result.y_bytes = static_cast<std::size_t>(result.batch * p.y_image_stride) * size;
  result.description =
      fmt::format("seed {}: {} parts of {} joined along axis {} of {}x{}x{}, padding {}", seed,
                  parts, to_string(type), axis, dims[0], dims[1], dims[2], p.padding);
  result.expected = [=, batch = result.batch, bytes = result.y_bytes] {
    Expected expected{std::vector<std::uint8_t>(bytes), {}, {}};
    for (std::int64_t i = 0; i < batch * dims[0] * dims[1] * dims[2]; ++i) {
      std::array<std::int64_t, 3> at = {i / dims[2] / dims[1] % dims[0], i / dims[2] % dims[1],
                                        i % dims[2]};
      const std::int64_t image = i / dims[2] / dims[1] / dims[0];
      const std::int64_t to = image * p.y_image_stride + (at[0] * dims[1] + at[1]) * pitch + at[2];
      std::size_t k = 0;
      for (; at[axis] >= sizes[k]; ++k) at[axis] -= sizes[k];
      const std::int64_t from = (shared[k] ? 0 : image) * p.operands[k].image_stride +
                                at[0] * p.axes[0].strides[k] + at[1] * p.axes[1].strides[k] + at[2];
      std::memcpy(&expected.bytes[static_cast<std::size_t>(to) * size],
                  &data[k][static_cast<std::size_t>(from) * size], size);
    }
    return expected;
  };
  return result;
}

}  // namespace

GpuCase elementwise_case(std::uint64_t seed) {
  Random random(seed);
  return random.chance(2) ? function_case(random, seed) : joined_case(random, seed);
}

}  // namespace xinfer::gpu
