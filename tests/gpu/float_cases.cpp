// Cases of the strided copy and of the kernels of float layers: products, rows.
#include <cmath>
#include <cstring>

#include "gpu_case.h"
#include "kernels/cuda/matmul_kernels.h"
#include "kernels/cuda/move_kernels.h"
#include "kernels/cuda/row_kernels.h"
#include "random.h"
#include "tensor_values.h"

namespace xinfer::gpu {
namespace {

using kernels::cuda::KernelSpec;
using kernels::cuda::MoveAxis;
using kernels::cuda::Operand;

/// Every element that nothing writes must stay as it was.
Expected untouched(std::size_t bytes, DType dtype = DType::kFloat32) {
  const std::size_t count = bytes / size_of(dtype);
  return {std::vector<std::uint8_t>(bytes, kFill), std::vector<double>(count),
          std::vector<double>(count, -1.0)};
}

void expect_at(Expected& expected, std::int64_t index, double value, double bound) {
  expected.values[static_cast<std::size_t>(index)] = value;
  expected.bounds[static_cast<std::size_t>(index)] = bound;
}

/// Walks all positions of the axes; `visit(from, to, inside)` in elements of an image.
template <typename Visit>
void walk(const std::vector<MoveAxis>& axes, const Visit& visit) {
  std::int64_t items = 1;
  for (const MoveAxis& axis : axes) items *= axis.out;
  for (std::int64_t item = 0; item < items; ++item) {
    std::int64_t rest = item, from = 0, to = 0;
    bool inside = true;
    for (std::size_t i = axes.size(); i-- > 0;) {
      const std::int64_t p = rest % axes[i].out, source = axes[i].start + p * axes[i].step;
      rest /= axes[i].out;
      inside = inside && source >= 0 && source < axes[i].in;
      from += source * axes[i].in_stride;
      to += p * axes[i].out_stride;
    }
    visit(from, to, inside);
  }
}

/// Three axes of x in a random order, cut, stepped over and padded.
kernels::cuda::MoveProblem random_move(Random& random) {
  kernels::cuda::MoveProblem p;
  p.element_bytes = 1 << random.pick(0, 3);
  p.axes.resize(3);
  std::int64_t stride = 1;
  for (std::size_t i = 3; i-- > 0;) {
    MoveAxis& axis = p.axes[i];
    axis.in = random.chance(2) ? 16 * random.pick(1, 3) : random.pick(1, 20);
    axis.in_stride = stride;
    stride *= axis.in;
    axis.step = random.chance(3) ? random.pick(1, 3) : 1;
    axis.start = random.chance(3) ? random.pick(-3, axis.in - 1) : 0;
    axis.out = random.chance(2) ? axis.in : random.pick(1, 24);
  }
  p.in_image_stride = random.chance(4) ? 0 : stride;
  if (random.chance(2)) std::swap(p.axes[0], p.axes[static_cast<std::size_t>(random.pick(1, 2))]);
  stride = 1;
  for (std::size_t i = 3; i-- > 0;) {
    p.axes[i].out_stride = stride;
    stride *= p.axes[i].out;
  }
  p.out_image_stride = stride;
  return p;
}

}  // namespace

GpuCase move_case(std::uint64_t seed) {
  Random random(seed);
  const kernels::cuda::MoveProblem p = random_move(random);
  GpuCase result;
  result.spec = kernels::cuda::move_kernel(p).value();
  result.batch = random.pick(1, 3);
  std::int64_t in_image = 1;
  for (const MoveAxis& axis : p.axes) in_image *= axis.in;
  const auto size = static_cast<std::size_t>(p.element_bytes);
  const auto x = random.tensor(DType::kInt8, result.batch * in_image * p.element_bytes);
  result.inputs.emplace_back(Operand::kInput, x);
  result.y_bytes = static_cast<std::size_t>(result.batch * p.out_image_stride) * size;
  result.description = fmt::format("seed {}: move of {} bytes an element", seed, size);
  result.expected = [=, batch = result.batch, bytes = result.y_bytes] {
    Expected expected{std::vector<std::uint8_t>(bytes, kFill), {}, {}};
    for (std::int64_t n = 0; n < batch; ++n) {
      walk(p.axes, [&](std::int64_t from, std::int64_t to, bool inside) {
        auto* y = &expected.bytes[static_cast<std::size_t>(n * p.out_image_stride + to) * size];
        std::memset(y, 0, size);
        if (!inside) return;
        std::memcpy(y, &x[static_cast<std::size_t>(n * p.in_image_stride + from) * size], size);
      });
    }
    return expected;
  };
  return result;
}

GpuCase move_convert_case(std::uint64_t seed) {
  Random random(seed);
  kernels::cuda::MoveProblem p = random_move(random);
  p.converts = true;
  p.from = float_type(random);
  p.to = p.from == DType::kFloat16 ? DType::kFloat32 : DType::kFloat16;
  p.element_bytes = static_cast<int>(size_of(p.to));
  GpuCase result;
  result.spec = kernels::cuda::move_kernel(p).value();
  result.batch = random.pick(1, 3);
  std::int64_t in_image = 1;
  for (const MoveAxis& axis : p.axes) in_image *= axis.in;
  const auto x = small_floats(random, result.batch * in_image, p.from);
  result.inputs.emplace_back(Operand::kInput, x);
  result.y_bytes = static_cast<std::size_t>(result.batch * p.out_image_stride) * size_of(p.to);
  result.description =
      fmt::format("seed {}: move from {} to {}", seed, to_string(p.from), to_string(p.to));
  result.expected = [=, batch = result.batch, bytes = result.y_bytes] {
    Expected expected = untouched(bytes, p.to);
    for (std::int64_t n = 0; n < batch; ++n) {
      walk(p.axes, [&](std::int64_t from, std::int64_t to, bool inside) {
        const double value = inside ? value_at(x, p.from, n * p.in_image_stride + from) : 0.0;
        expect_at(expected, n * p.out_image_stride + to, value, store_error(p.to, value));
      });
    }
    return expected;
  };
  return result;
}

namespace {

using kernels::cuda::MatmulProblem;

/// Products of one to three heads; b perhaps transposed, perhaps one for all.
MatmulProblem random_product(Random& random) {
  MatmulProblem p;
  const bool int8 = random.chance(2), transposed = random.chance(2);
  p.m = random.pick(1, 150);
  p.n = random.pick(1, 150);
  p.k = random.pick(1, 90);
  p.a_dtype = int8 ? random.int8_type() : float_type(random);
  p.b_dtype = int8 ? DType::kInt8 : float_type(random);
  p.a_row_stride = p.k;
  p.a_column_stride = 1;
  p.b_row_stride = transposed ? 1 : p.n;
  p.b_column_stride = transposed ? p.k : 1;
  const std::int64_t heads = random.pick(1, 3);
  const bool shared_b = random.chance(4);
  p.outer = {{heads, p.m * p.k, shared_b ? 0 : p.k * p.n}};
  p.a_image_stride = heads * p.m * p.k;
  p.b_image_stride = shared_b ? 0 : heads * p.k * p.n;
  p.y_pitch = p.n;
  static const float kPresent = 1;
  p.epilogue.multiplier = int8 ? &kPresent : nullptr;
  p.epilogue.output_dtype = DType::kFloat32;
  return p;
}

/// What a product reads.
struct ProductData {
  std::vector<std::uint8_t> a, b, multiplier, bias;
};

/// Element `i` of the dense outputs.
void expect_product(const MatmulProblem& p, const ProductData& data, std::int64_t i,
                    Expected& expected) {
  const std::int64_t n = i % p.n, m = i / p.n % p.m, matrix = i / p.n / p.m;
  const std::int64_t b_matrix = p.b_image_stride == 0 ? 0 : matrix * p.k * p.n;
  double sum = 0, magnitude = 0;
  for (std::int64_t k = 0; k < p.k; ++k) {
    const std::int64_t b_at = b_matrix + k * p.b_row_stride + n * p.b_column_stride;
    const double term = value_at(data.a, p.a_dtype, (matrix * p.m + m) * p.k + k) *
                        value_at(data.b, p.b_dtype, b_at);
    sum += term;
    magnitude += std::fabs(term);
  }
  // One rounding a step of the chain; an INT8 sum is exact until it becomes float.
  const bool int8 = p.epilogue.multiplier != nullptr;
  const double scale = int8 ? value_at(data.multiplier, DType::kFloat32, n) : 1.0;
  const double steps = int8 ? 3.0 : static_cast<double>(p.k + 1);
  const double added = value_at(data.bias, DType::kFloat32, n);
  const double largest = magnitude * std::fabs(scale) + std::fabs(added);
  expect_at(expected, i, sum * scale + added, 2 * steps * kRounding * largest);
}

}  // namespace

GpuCase matmul_case(std::uint64_t seed) {
  Random random(seed);
  const MatmulProblem p = random_product(random);
  const bool int8 = p.epilogue.multiplier != nullptr;
  const std::int64_t heads = p.outer[0].size;
  GpuCase result;
  result.spec = kernels::cuda::matmul_kernel(p).value();
  result.batch = random.pick(1, 3);
  const auto numbers = [&](DType dtype, std::int64_t count) {
    return int8 ? random.tensor(dtype, count) : small_floats(random, count, dtype);
  };
  ProductData data;
  data.a = numbers(p.a_dtype, result.batch * heads * p.m * p.k);
  data.b = numbers(p.b_dtype, (p.b_image_stride == 0 ? 1 : result.batch * heads) * p.k * p.n);
  const std::int64_t table = kernels::cuda::matmul_table_length(p.n);
  data.multiplier = small_floats(random, table);
  data.bias = small_floats(random, table);
  result.inputs = {{Operand::kInput, data.a},
                   {Operand::kInput2, data.b},
                   {Operand::kMultiplier, data.multiplier},
                   {Operand::kBias, data.bias}};
  result.y_bytes = static_cast<std::size_t>(4 * result.batch * heads * p.m * p.n);
  result.description =
      fmt::format("seed {}: product {}x{}x{}, {} heads", seed, p.m, p.n, p.k, heads);
  result.expected = [p, data, bytes = result.y_bytes] {
    Expected expected = untouched(bytes);
    for (std::size_t i = 0; i < expected.values.size(); ++i) {
      expect_product(p, data, static_cast<std::int64_t>(i), expected);
    }
    return expected;
  };
  return result;
}

namespace {

/// What softmax and layer normalisation share: rows of small floats.
GpuCase row_case(Random& random, const kernels::cuda::RowProblem& p, Result<KernelSpec> spec,
                 const std::function<void(const float*, std::int64_t, Expected&)>& expect_row) {
  GpuCase result;
  result.spec = std::move(spec).value();
  result.batch = random.pick(1, 3);
  const auto x = small_floats(random, result.batch * p.rows * p.x_pitch, p.input);
  result.inputs.emplace_back(Operand::kInput, x);
  result.y_bytes = static_cast<std::size_t>(result.batch * p.rows * p.y_pitch) * size_of(p.output);
  result.expected = [=, batch = result.batch, bytes = result.y_bytes] {
    Expected expected = untouched(bytes, p.output);
    std::vector<float> row(static_cast<std::size_t>(p.length));
    for (std::int64_t r = 0; r < batch * p.rows; ++r) {
      for (std::int64_t i = 0; i < p.length; ++i) {
        row[static_cast<std::size_t>(i)] =
            static_cast<float>(value_at(x, p.input, r * p.x_pitch + i));
      }
      expect_row(row.data(), r * p.y_pitch, expected);
      for (std::int64_t i = p.length; i < p.y_pitch; ++i) {
        expect_at(expected, r * p.y_pitch + i, 0.0, 0.0);
      }
    }
    for (std::size_t i = 0; i < expected.bounds.size(); ++i) {
      if (expected.bounds[i] > 0) expected.bounds[i] += store_error(p.output, expected.values[i]);
    }
    return expected;
  };
  return result;
}

kernels::cuda::RowProblem random_rows(Random& random) {
  kernels::cuda::RowProblem p;
  p.rows = random.pick(1, 40);
  p.length = random.chance(3) ? random.pick(1, 31) : random.pick(32, 700);
  if (random.chance(8)) p.length = random.pick(2000, 3000);
  const std::int64_t multiple = random.chance(3) ? 1 : random.chance(2) ? 4 : 8;
  p.x_pitch = round_up(p.length, multiple) + multiple * random.pick(0, 3);
  p.y_pitch = round_up(p.length, multiple) + multiple * random.pick(0, 3);
  p.input = float_type(random);
  p.output = float_type(random);
  return p;
}

}  // namespace

GpuCase softmax_case(std::uint64_t seed) {
  Random random(seed);
  const kernels::cuda::RowProblem p = random_rows(random);
  const auto expect_row = [p](const float* x, std::int64_t at, Expected& expected) {
    double sum = 0;
    for (std::int64_t i = 0; i < p.length; ++i) sum += std::exp(double{x[i]});
    for (std::int64_t i = 0; i < p.length; ++i) {
      const double y = std::exp(double{x[i]}) / sum;
      // expf errs by 2 units in the last place (CUDA's table), its argument by rounding of up to 6,
      // each of the terms of the sum by as much.
      expect_at(expected, at + i, y, y * kRounding * (32.0 + 0.1 * static_cast<double>(p.length)));
    }
  };
  GpuCase result = row_case(random, p, kernels::cuda::softmax_kernel(p, false), expect_row);
  result.description = fmt::format("seed {}: softmax of rows of {}", seed, p.length);
  return result;
}

GpuCase layer_norm_case(std::uint64_t seed) {
  Random random(seed);
  kernels::cuda::RowProblem p = random_rows(random);
  p.length = std::max<std::int64_t>(p.length, 16);  // with a variance that is not near 0
  p.x_pitch = std::max<std::int64_t>(p.x_pitch, 16);
  p.y_pitch = std::max<std::int64_t>(p.y_pitch, 16);
  const auto scale = small_floats(random, p.length), bias = small_floats(random, p.length);
  constexpr float kEpsilon = 1e-6f;
  const auto expect_row = [=](const float* x, std::int64_t at, Expected& expected) {
    double mean = 0, variance = 0;
    for (std::int64_t i = 0; i < p.length; ++i) mean += x[i] / static_cast<double>(p.length);
    for (std::int64_t i = 0; i < p.length; ++i) variance += std::pow(x[i] - mean, 2);
    const double inverse =
        1.0 / std::sqrt(variance / static_cast<double>(p.length) + double{kEpsilon});
    for (std::int64_t i = 0; i < p.length; ++i) {
      const double normal = (x[i] - mean) * inverse, s = value_at(scale, DType::kFloat32, i),
                   b = value_at(bias, DType::kFloat32, i);
      // The mean errs by the rounding of a sum of values up to 3 in chains of length / 32.
      const double chain = static_cast<double>(p.length) / 32 + 8;
      const double bound = kRounding * chain * (8.0 * inverse + 4.0 * std::fabs(normal));
      expect_at(expected, at + i, normal * s + b,
                bound * std::fabs(s) + 4 * kRounding * (std::fabs(normal * s) + std::fabs(b)));
    }
  };
  const kernels::cuda::LayerNormProblem problem{p, kEpsilon};
  Result<KernelSpec> spec = kernels::cuda::layer_norm_kernel(problem, {2, true});
  if (seed % 2 == 0 || !spec.ok()) spec = kernels::cuda::layer_norm_kernel(problem, {});
  GpuCase result = row_case(random, p, std::move(spec), expect_row);
  result.inputs.emplace_back(Operand::kMultiplier, scale);
  result.inputs.emplace_back(Operand::kBias, bias);
  result.description = fmt::format("seed {}: layer norm of rows of {}", seed, p.length);
  return result;
}

}  // namespace xinfer::gpu
