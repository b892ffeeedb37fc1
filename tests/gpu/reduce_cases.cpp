// Cases of the kernels that take any axes of a tensor: reductions, extremes' indices, gathers.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "gpu_case.h"
#include "kernels/cuda/gather_kernels.h"
#include "kernels/cuda/reduce_kernels.h"
#include "random.h"

namespace xinfer::gpu {
namespace {

using kernels::ReduceKind;
using kernels::cuda::Operand;
using kernels::cuda::ReduceAxis;
using kernels::cuda::ReduceProblem;

/// Of a result that is rounded to float32 once: half a unit in the last place, and what sums in
/// double lose.
constexpr double kRounding = 0x1p-24 * (1 + 0x1p-10);

/// Walks all positions of the axes, the last one fastest; `visit(x offset, y offset)`.
template <typename Visit>
void walk(const std::vector<ReduceAxis>& axes, const Visit& visit) {
  std::int64_t items = 1;
  for (const ReduceAxis& axis : axes) items *= axis.size;
  for (std::int64_t item = 0; item < items; ++item) {
    std::int64_t rest = item, x = 0, y = 0;
    for (std::size_t i = axes.size(); i-- > 0;) {
      x += rest % axes[i].size * axes[i].x_stride;
      y += rest % axes[i].size * axes[i].y_stride;
      rest /= axes[i].size;
    }
    visit(x, y);
  }
}

/// Three axes of which some are reduced: of few elements, of many for a warp, or for a block.
ReduceProblem random_reduction(Random& random) {
  ReduceProblem p;
  std::int64_t sizes[3];
  for (std::int64_t& size : sizes) size = random.pick(1, random.chance(2) ? 5 : 40);
  if (random.chance(4)) sizes[random.pick(0, 2)] = random.pick(3000, 6000);
  if (sizes[0] * sizes[1] * sizes[2] > 100000) sizes[0] = sizes[1] = 2;
  const auto reduced = random.pick(1, 7);  // a bit an axis
  std::int64_t x_stride = 1, y_stride = 1;
  for (int i = 2; i >= 0; --i) {
    const bool is_reduced = (reduced >> i & 1) != 0;
    auto& axes = is_reduced ? p.reduced : p.kept;
    axes.insert(axes.begin(), {sizes[i], x_stride, is_reduced ? 0 : y_stride});
    x_stride *= sizes[i];
    if (!is_reduced) y_stride *= sizes[i];
  }
  p.x_image_stride = x_stride;
  p.y_image_stride = y_stride;
  return p;
}

/// Numbers of float32: in [-3, 3], or near 1 where their product must stay a number.
std::vector<std::uint8_t> floats(Random& random, ReduceKind kind, std::int64_t count) {
  const bool product = kind == ReduceKind::kProd;
  std::vector<std::uint8_t> bytes(4 * static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < bytes.size(); i += 4) {
    const float value = product ? random.real(0.99f, 1.01f) : random.real(-3.0f, 3.0f);
    std::memcpy(&bytes[i], &value, 4);
  }
  return bytes;
}

template <typename T>
T at(const std::vector<std::uint8_t>& bytes, std::int64_t index) {
  T value;
  std::memcpy(&value, &bytes[sizeof(T) * static_cast<std::size_t>(index)], sizeof(T));
  return value;
}

/// The result by its definition, and the magnitude that its error is measured by.
struct Reference {
  double value = 0, magnitude = 0;
};

Reference reduced_values(ReduceKind kind, const std::vector<double>& values) {
  Reference r;
  double product = 1, squares = 0, largest = -std::numeric_limits<double>::infinity();
  double smallest = -largest, sum = 0, absolute = 0, exponentials = 0;
  for (const double x : values) {
    sum += x;
    absolute += std::fabs(x);
    squares += x * x;
    product *= x;
    largest = std::max(largest, x);
    smallest = std::min(smallest, x);
    exponentials += std::exp(x);
  }
  const auto count = static_cast<double>(values.size());
  switch (kind) {
    case ReduceKind::kSum:
      return {sum, absolute};
    case ReduceKind::kMean:
      return {sum / count, absolute / count};
    case ReduceKind::kMax:
      return {largest, 0};
    case ReduceKind::kMin:
      return {smallest, 0};
    case ReduceKind::kProd:
      return {product, std::fabs(product)};
    case ReduceKind::kL1:
      return {absolute, absolute};
    case ReduceKind::kL2:
      return {std::sqrt(squares), std::sqrt(squares)};
    case ReduceKind::kLogSum:  // of numbers that the case makes positive
      return {std::log(sum), std::fabs(std::log(sum)) + 1e-6};
    case ReduceKind::kLogSumExp:
      return {std::log(exponentials), std::fabs(std::log(exponentials)) + 1e-6};
    case ReduceKind::kSumSquare:
      return {squares, squares};
  }
  return r;
}

}  // namespace

GpuCase reduce_case(std::uint64_t seed) {
  Random random(seed);
  const ReduceProblem p = random_reduction(random);
  const auto kind = static_cast<ReduceKind>(seed % 10);
  GpuCase result;
  result.spec = kernels::cuda::reduce_kernel(p, kind).value();
  result.batch = random.pick(1, 3);
  auto x = floats(random, kind, result.batch * p.x_image_stride);
  if (kind == ReduceKind::kLogSum) {
    for (std::size_t i = 3; i < x.size(); i += 4) x[i] &= 0x7f;  // no sign
  }
  result.inputs.emplace_back(Operand::kInput, x);
  result.y_bytes = static_cast<std::size_t>(4 * result.batch * p.y_image_stride);
  result.description = fmt::format("seed {}: reduction {} of {} axes, {} kept", seed,
                                   static_cast<int>(kind), p.reduced.size(), p.kept.size());
  result.expected = [=, batch = result.batch, bytes = result.y_bytes] {
    const std::size_t count = bytes / 4;
    Expected expected{std::vector<std::uint8_t>(bytes), std::vector<double>(count),
                      std::vector<double>(count)};
    for (std::int64_t n = 0; n < batch; ++n) {
      walk(p.kept, [&](std::int64_t base, std::int64_t to) {
        std::vector<double> values;
        walk(p.reduced, [&](std::int64_t from, std::int64_t) {
          values.push_back(double{at<float>(x, n * p.x_image_stride + base + from)});
        });
        const Reference r = reduced_values(kind, values);
        const auto i = static_cast<std::size_t>(n * p.y_image_stride + to);
        expected.values[i] = r.value;
        expected.bounds[i] = r.magnitude * kRounding;
      });
    }
    return expected;
  };
  return result;
}

GpuCase arg_extreme_case(std::uint64_t seed) {
  Random random(seed);
  ReduceProblem p = random_reduction(random);
  p.dtype = DType::kInt8;
  p.y_dtype = DType::kInt64;
  const bool largest = random.chance(2), last = random.chance(2);
  GpuCase result;
  result.spec = kernels::cuda::arg_extreme_kernel(p, largest, last).value();
  result.batch = random.pick(1, 3);
  const auto x = random.tensor(DType::kInt8, result.batch * p.x_image_stride);
  result.inputs.emplace_back(Operand::kInput, x);
  result.y_bytes = static_cast<std::size_t>(8 * result.batch * p.y_image_stride);
  result.description = fmt::format("seed {}: index of the {}, the {} of equals", seed,
                                   largest ? "largest" : "smallest", last ? "last" : "first");
  result.expected = [=, batch = result.batch, bytes = result.y_bytes] {
    Expected expected{std::vector<std::uint8_t>(bytes), {}, {}};
    for (std::int64_t n = 0; n < batch; ++n) {
      walk(p.kept, [&](std::int64_t base, std::int64_t to) {
        std::int64_t index = 0, best = 0;
        int value = 0;
        walk(p.reduced, [&](std::int64_t from, std::int64_t) {
          const int found = at<std::int8_t>(x, n * p.x_image_stride + base + from);
          const bool better = largest ? found > value : found < value;
          if (index == 0 || better || (last && found == value)) {
            value = found;
            best = index;
          }
          ++index;
        });
        std::memcpy(&expected.bytes[8 * static_cast<std::size_t>(n * p.y_image_stride + to)], &best,
                    8);
      });
    }
    return expected;
  };
  return result;
}

GpuCase gather_case(std::uint64_t seed) {
  Random random(seed);
  kernels::cuda::GatherProblem p;
  const std::int64_t outer = random.pick(1, 9), inner = random.pick(1, 40);
  const std::int64_t count = random.pick(1, 12);
  p.axis_size = random.pick(1, 20);
  p.axis_stride = inner;
  p.padding = random.pick(0, 3);
  const std::int64_t pitch = inner + p.padding;
  p.axes = {{outer, p.axis_size * inner, 0, count * pitch}, {count, 0, 1, pitch}, {inner, 1, 0, 1}};
  const bool shared_x = random.chance(2);
  p.x_image_stride = shared_x ? 0 : outer * p.axis_size * inner;
  p.index_image_stride = shared_x ? count : 0;
  p.y_image_stride = outer * count * pitch;
  p.element_bytes = 1 << random.pick(0, 3);
  GpuCase result;
  result.spec = kernels::cuda::gather_kernel(p).value();
  result.batch = random.pick(1, 3);
  const auto size = static_cast<std::size_t>(p.element_bytes);
  const std::int64_t images = shared_x ? 1 : result.batch;
  const auto x =
      random.tensor(DType::kInt8, images * outer * p.axis_size * inner * p.element_bytes);
  std::vector<std::uint8_t> indices(
      8 * static_cast<std::size_t>(count * (shared_x ? result.batch : 1)));
  for (std::size_t i = 0; i < indices.size(); i += 8) {
    const std::int64_t index = random.pick(-p.axis_size, p.axis_size - 1);
    std::memcpy(&indices[i], &index, 8);
  }
  result.inputs = {{Operand::kInput, x}, {Operand::kInput2, indices}};
  result.y_bytes = static_cast<std::size_t>(result.batch * p.y_image_stride) * size;
  result.description = fmt::format("seed {}: gather of {} bytes an element", seed, size);
  result.expected = [=, batch = result.batch, bytes = result.y_bytes] {
    Expected expected{std::vector<std::uint8_t>(bytes), {}, {}};
    for (std::int64_t i = 0; i < batch * outer * count * inner; ++i) {
      const std::int64_t column = i % inner, row = i / inner % count;
      const std::int64_t o = i / inner / count % outer, n = i / inner / count / outer;
      std::int64_t index = at<std::int64_t>(indices, n * p.index_image_stride + row);
      if (index < 0) index += p.axis_size;
      const std::int64_t from = n * p.x_image_stride + (o * p.axis_size + index) * inner + column;
      const std::int64_t to = n * p.y_image_stride + (o * count + row) * pitch + column;
      std::memcpy(&expected.bytes[static_cast<std::size_t>(to) * size],
                  &x[static_cast<std::size_t>(from) * size], size);
    }
    return expected;
  };
  return result;
}

}  // namespace xinfer::gpu
