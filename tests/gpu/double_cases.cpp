// Cases of the generated elementwise kernels for float64. The seed counts through the functions, so
// that a few dozen cases have them all; the host's kernels say what they give.
#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "gpu_case.h"
#include "kernels/cuda/elementwise_kernels.h"
#include "kernels/elementwise/binary.h"
#include "kernels/elementwise/cast.h"
#include "kernels/elementwise/unary.h"
#include "random.h"

namespace xinfer::gpu {
namespace {

using kernels::Binary;
using kernels::Unary;
using kernels::cuda::elementwise_operand;

constexpr float kAlpha = 0.3f, kBeta = 1.7f;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// y = clip(combine(function(a), b)).
struct Functions {
  Unary function;
  Binary combine;
  double low, high;
};

Functions functions_for(std::uint64_t seed) {
  constexpr std::uint64_t kReal = static_cast<std::uint64_t>(Unary::kAtanh) + 1;
  constexpr std::uint64_t kArithmetic = static_cast<std::uint64_t>(Binary::kPow) + 1;
  return {static_cast<Unary>(seed % kReal), static_cast<Binary>(seed % kArithmetic),
          seed % 2 == 0 ? -kInfinity : -1.25, seed % 3 == 0 ? 2.5 : kInfinity};
}

/// x, a number in [-3, 3], where the function is defined and not steep.
double in_domain(Unary function, double x) {
  switch (function) {
    case Unary::kLog:
    case Unary::kSqrt:
      return 0.125 + std::fabs(x);
    case Unary::kAcosh:
      return 1.125 + std::fabs(x);
    case Unary::kTan:
    case Unary::kAsin:
    case Unary::kAcos:
    case Unary::kAtanh:
      return x / 4;
    default:
      return x;
  }
}

/// Numbers of which float32 keeps less than half the digits.
std::vector<double> long_numbers(Random& random, std::int64_t count) {
  std::vector<double> numbers;
  for (std::int64_t i = 0; i < count; ++i) {
    numbers.push_back(random.real(-3.0f, 3.0f) + random.real(0.0f, 0x1p-23f));
  }
  return numbers;
}

std::vector<std::uint8_t> bytes_of(const std::vector<double>& numbers) {
  std::vector<std::uint8_t> bytes(numbers.size() * sizeof(double));
  std::memcpy(bytes.data(), numbers.data(), bytes.size());
  return bytes;
}

std::vector<double> reference(const Functions& f, std::vector<double> y,
                              const std::vector<double>& b) {
  ThreadPool pool(1);
  const auto count = static_cast<std::int64_t>(y.size());
  const std::array<std::int64_t, 1> dims = {count};
  const auto loop = kernels::broadcast<2>({dims, dims}).value();
  constexpr DType kType = DType::kFloat64;
  kernels::unary(f.function, kType, y.data(), y.data(), count, kAlpha, kBeta, best_isa(), pool)
      .value();
  const Status combined =
      f.combine == Binary::kPow
          ? kernels::power(kType, kType, loop, y.data(), b.data(), y.data(), pool)
          : kernels::binary(f.combine, kType, loop, y.data(), b.data(), y.data(), best_isa(), pool);
  combined.value();
  kernels::clip(kType, y.data(), y.data(), count, &f.low, &f.high, pool).value();
  return y;
}

}  // namespace

GpuCase elementwise_double_case(std::uint64_t seed) {
  Random random(seed);
  const Functions f = functions_for(seed);
  const std::int64_t count = random.pick(1, 400);
  kernels::cuda::ElementwiseProblem p;
  p.axes = {{count, {1, 1}, 1}};
  p.operands = {{DType::kFloat64, count}, {DType::kFloat64, count}};
  p.y_dtype = DType::kFloat64;
  p.y_image_stride = count;
  const std::string function =
      kernels::cuda::unary_expression(f.function, kAlpha, kBeta, "a", DType::kFloat64).value();
  const std::string combined =
      kernels::cuda::binary_expression(f.combine, function, "b", DType::kFloat64).value();
  p.expression = kernels::cuda::clip_expression(f.low, f.high, combined, DType::kFloat64);
  std::vector<double> a = long_numbers(random, count), b = long_numbers(random, count);
  for (double& x : a) x = in_domain(f.function, x);
  // Negative numbers have whole powers alone, and nothing is divided by almost nothing.
  for (double& x : b) {
    x = f.combine == Binary::kPow ? 1.0 + std::round(std::fabs(x)) : x + std::copysign(0.5, x);
  }
  GpuCase result;
  result.spec = kernels::cuda::elementwise_kernel(p, "double").value();
  result.batch = 1;
  result.inputs = {{elementwise_operand(0), bytes_of(a)}, {elementwise_operand(1), bytes_of(b)}};
  result.y_bytes = a.size() * sizeof(double);
  result.description = fmt::format("seed {}: {} of {}, between {} and {}, {} elements", seed,
                                   kernels::to_string(f.combine), kernels::to_string(f.function),
                                   f.low, f.high, count);
  result.expected = [f, a, b] {
    Expected expected;
    expected.values = reference(f, a, b);
    for (const double y : expected.values) {
      // A float32 step anywhere would be off by 2^-25 of what it rounds; CUDA's functions of
      // doubles are within 2^-51, which a power or a division here makes at most some 100 times
      // larger.
      expected.bounds.push_back(0x1p-40 * (1.0 + std::fabs(y)));
    }
    return expected;
  };
  return result;
}

}  // namespace xinfer::gpu
