// Reductions over any axes (kernels/reduce/reduce.h): floats are accumulated in double, integers in
// 64 bits, and rounded once.
#include "reduce/cuda_lanes.cuh"

namespace xi {

using layer::Wide;

/// kernels::ReduceKind.
enum Reduction { kSum, kMean, kMax, kMin, kProd, kL1, kL2, kLogSum, kLogSumExp, kSumSquare };

__device__ __forceinline__ Wide multiplied(Wide a, Wide b) {
  if constexpr (layer::kIsFloat) {
    return a * b;
  } else {
    return wrapped_mul(a, b);
  }
}

/// What an element adds to the total.
__device__ __forceinline__ Wide mapped(Wide x) {
  if constexpr (layer::kKind == kL1) return x < 0 ? -x : x;
  if constexpr (layer::kKind == kL2 || layer::kKind == kSumSquare) return multiplied(x, x);
  return x;
}

__device__ __forceinline__ Wide larger(Wide a, Wide b) { return b > a || b != b ? b : a; }

__device__ __forceinline__ Wide joined(Wide a, Wide b) {
  if constexpr (layer::kKind == kMax || layer::kKind == kLogSumExp) return larger(a, b);
  if constexpr (layer::kKind == kMin) return b < a || b != b ? b : a;
  if constexpr (layer::kKind == kProd) return multiplied(a, b);
  if constexpr (layer::kIsFloat) {
    return a + b;
  } else {
    return wrapped_add(a, b);
  }
}

/// A double as Wide; what an integer cannot hold is 0.
__device__ __forceinline__ Wide from_double(double value) {
  if constexpr (layer::kIsFloat) {
    return value;
  } else {
    return fabs(value) < 9.2e18 ? static_cast<Wide>(static_cast<s64>(value)) : 0;
  }
}

/// log of the sum of exp(x), given the largest: no exp overflows.
__device__ __forceinline__ Wide log_sum_exp(const void* x, const Output& output, Wide largest) {
  const double m = static_cast<double>(largest);
  double sum = 0;
  for_elements(x, output, [&](Wide value, int) { sum += exp(static_cast<double>(value) - m); });
  sum = join_lanes(sum, [](double a, double b) { return a + b; });
  return from_double(isinf(m) ? m : m + log(sum));
}

__device__ __forceinline__ Wide finished(Wide total) {
  if constexpr (layer::kKind == kMean) {
    if (!layer::kIsFloat && layer::kReduced == 0) return 0;
    return total / static_cast<Wide>(layer::kReduced);
  }
  if constexpr (layer::kKind == kL2) return from_double(sqrt(static_cast<double>(total)));
  if constexpr (layer::kKind == kLogSum) return from_double(log(static_cast<double>(total)));
  return total;
}

}  // namespace xi

extern "C" __global__ void __launch_bounds__(xi::kThreads)
    reduce(const void* __restrict__ x, void* __restrict__ y, const int batch) {
  using namespace xi;
  let_successor_start();
  const Output output(batch);
  wait_for_predecessor();
  if (!output.present) return;
  Wide total = static_cast<Wide>(layer::kStart);
  for_elements(x, output, [&](Wide value, int) { total = joined(total, mapped(value)); });
  total = join_lanes(total, joined);
  if constexpr (layer::kKind == kLogSumExp) {
    total = log_sum_exp(x, output, total);
  } else {
    total = finished(total);
  }
  if (lane() == 0) static_cast<layer::Out*>(y)[output.y] = Stored<layer::Out>::from(total);
}
