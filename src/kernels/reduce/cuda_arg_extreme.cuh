// The index of the largest or smallest element along an axis (kernels/reduce/reduce.h): of equals
// the first, or the last; a NaN counts only as the first element, which nothing exceeds then.
#include "reduce/cuda_lanes.cuh"

namespace xi {

struct Best {
  layer::Wide value;
  s64 index;  // below 0: none yet
};

__device__ __forceinline__ bool is_nan(const Best& best) { return best.value != best.value; }

/// The one of two that stays.
__device__ __forceinline__ Best better_of(const Best& a, const Best& b) {
  if (a.index < 0 || is_nan(b)) return a.index < 0 || b.index == 0 ? b : a;
  if (b.index < 0 || is_nan(a)) return b.index < 0 || a.index == 0 ? a : b;
  if (a.value == b.value) return (a.index > b.index) == layer::kSelectLast ? a : b;
  return (a.value > b.value) == layer::kLargest ? a : b;
}

}  // namespace xi

extern "C" __global__ void __launch_bounds__(xi::kThreads)
    arg_extreme(const void* __restrict__ x, void* __restrict__ y, const int batch) {
  using namespace xi;
  let_successor_start();
  const Output output(batch);
  wait_for_predecessor();
  if (!output.present) return;
  Best best = {0, -1};
  for_elements(x, output, [&](layer::Wide value, int index) {
    best = better_of(best, Best{value, index});
  });
  best = join_lanes(best, better_of);
  if (lane() == 0) static_cast<s64*>(y)[output.y] = best.index;
}
