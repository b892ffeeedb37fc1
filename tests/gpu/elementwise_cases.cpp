// Cases of the generated elementwise kernels: functions of floats and of integers, and parts of an
// axis joined.
#include <fmt/format.h>

#include <array>
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

/// Tensors of three axes, of which one is made of up to four parts.
struct Parts {
  DType type = DType::kInt8;
  std::size_t axis = 0;
  std::array<std::int64_t, 3> dims = {};  ///< of the whole
  std::int64_t pitch = 0;                 ///< of the whole's rows
  std::vector<std::int64_t> sizes;        ///< of the parts along the axis
  std::vector<bool> shared;               ///< without a batch: the same for every image
  std::vector<std::vector<std::uint8_t>> data;

  /// The axes of a part.
  std::array<std::int64_t, 3> own(std::size_t part) const {
    std::array<std::int64_t, 3> result = dims;
    result[axis] = sizes[part];
    return result;
  }
  std::int64_t elements(std::size_t part) const {
    const auto [outer, middle, inner] = own(part);
    return outer * middle * inner;
  }
};

Parts random_parts(Random& random, std::int64_t batch) {
  constexpr DType kTypes[] = {DType::kInt8,  DType::kUInt8, DType::kFloat16,
                              DType::kInt32, DType::kInt64, DType::kBool};
  Parts parts;
  parts.type = kTypes[random.pick(0, 5)];
  parts.axis = static_cast<std::size_t>(random.pick(0, 2));
  const std::int64_t rows = random.pick(1, 6), columns = random.pick(1, 6);
  parts.dims = {rows, columns, random.chance(2) ? 8 * random.pick(1, 4) : random.pick(1, 20)};
  const std::int64_t count = random.pick(2, 4);
  for (std::int64_t k = 0; k < count; ++k) {
    parts.sizes.push_back(random.chance(2) ? 16 * random.pick(1, 2) : random.pick(1, 9));
  }
  parts.dims[parts.axis] = std::accumulate(parts.sizes.begin(), parts.sizes.end(), std::int64_t{0});
  parts.pitch = parts.dims[2] + (random.chance(2) ? 0 : 16);
  for (std::size_t k = 0; k < parts.sizes.size(); ++k) {
    parts.shared.push_back(random.chance(4));
    const std::int64_t elements = parts.elements(k) * (parts.shared[k] ? 1 : batch);
    if (parts.type == DType::kFloat16) {
      parts.data.push_back(small_floats(random, elements, parts.type));
      continue;
    }
    const auto bytes = elements * static_cast<std::int64_t>(size_of(parts.type));
    parts.data.push_back(random.tensor(DType::kUInt8, bytes));
    for (std::uint8_t& byte : parts.data.back()) {
      byte = parts.type == DType::kBool ? byte % 2 : byte;
    }
  }
  return parts;
}

ElementwiseProblem joining_problem(const Parts& parts) {
  ElementwiseProblem p;
  p.y_dtype = parts.type;
  p.range_axis = static_cast<int>(parts.axis);
  p.padding = parts.pitch - parts.dims[2];
  p.axes = {{parts.dims[0], {}, parts.dims[1] * parts.pitch},
            {parts.dims[1], {}, parts.pitch},
            {parts.dims[2], {}, 1}};
  p.y_image_stride = parts.dims[0] * parts.dims[1] * parts.pitch;
  std::int64_t begin = 0;
  for (std::size_t k = 0; k < parts.sizes.size(); ++k) {
    const std::array<std::int64_t, 3> own = parts.own(k);
    p.axes[0].strides[k] = own[1] * own[2];
    p.axes[1].strides[k] = own[2];
    p.axes[2].strides[k] = 1;
    const std::int64_t end = begin + parts.sizes[k];
    p.operands.push_back({parts.type, parts.shared[k] ? 0 : parts.elements(k), begin, end});
    begin = end;
    const auto letter = static_cast<char>('a' + k);
    p.expression += k + 1 == parts.sizes.size()
                        ? std::string(1, letter)
                        : fmt::format("place.inside[{}] ? {} : ", k, letter);
  }
  return p;
}

Expected joined(const Parts& parts, std::int64_t batch, std::size_t bytes) {
  const auto& [outer, middle, inner] = parts.dims;
  const std::size_t size = size_of(parts.type);
  Expected expected{std::vector<std::uint8_t>(bytes), {}, {}};
  for (std::int64_t i = 0; i < batch * outer * middle * inner; ++i) {
    std::array<std::int64_t, 3> at = {i / inner / middle % outer, i / inner % middle, i % inner};
    const std::int64_t image = i / inner / middle / outer;
    const std::int64_t to = ((image * outer + at[0]) * middle + at[1]) * parts.pitch + at[2];
    std::size_t k = 0;
    for (; at[parts.axis] >= parts.sizes[k]; ++k) at[parts.axis] -= parts.sizes[k];
    const std::array<std::int64_t, 3> own = parts.own(k);
    const std::int64_t first = parts.shared[k] ? 0 : image * parts.elements(k);
    const std::int64_t from = first + (at[0] * own[1] + at[1]) * own[2] + at[2];
    std::memcpy(&expected.bytes[static_cast<std::size_t>(to) * size],
                &parts.data[k][static_cast<std::size_t>(from) * size], size);
  }
  return expected;
}

/// The parts joined.
GpuCase joined_case(Random& random, std::uint64_t seed) {
  GpuCase result;
  result.batch = random.pick(1, 3);
  const Parts parts = random_parts(random, result.batch);
  const ElementwiseProblem p = joining_problem(parts);
  result.spec = kernels::cuda::elementwise_kernel(p, "concat").value();
  for (std::size_t k = 0; k < parts.data.size(); ++k) {
    result.inputs.emplace_back(elementwise_operand(k), parts.data[k]);
  }
  result.y_bytes = static_cast<std::size_t>(result.batch * p.y_image_stride) * size_of(parts.type);
  result.description =
      fmt::format("seed {}: {} parts of {} joined along axis {} of {}x{}x{}, padding {}", seed,
                  parts.sizes.size(), to_string(parts.type), parts.axis, parts.dims[0],
                  parts.dims[1], parts.dims[2], p.padding);
  result.expected = [parts, batch = result.batch, bytes = result.y_bytes] {
    return joined(parts, batch, bytes);
  };
  return result;
}

}  // namespace

GpuCase elementwise_case(std::uint64_t seed) {
  Random random(seed);
  return random.chance(2) ? function_case(random, seed) : joined_case(random, seed);
}

}  // namespace xinfer::gpu
