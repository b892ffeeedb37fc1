// Layer normalisation of float rows, a warp each, in float32:
//   y = (x - mean) / sqrt(mean of (x - mean)^2 + epsilon) * scale + bias
// Mean first, then the deviations from it: no cancellation.
#pragma once

#include "cuda/row.cuh"

extern "C" __global__ void __launch_bounds__(32 * xi::kWarpsOfBlock)
    layer_norm(const void* __restrict__ x, const float* __restrict__ scale,
               const float* __restrict__ bias, void* __restrict__ y, const int batch) {
  using namespace xi;
  using namespace layer;
  let_successor_start();
  const s64 row = row_of_warp(batch);
  if (row < 0) return;
  wait_for_predecessor();
  const RowPart part(x, row);
  float sum = 0.0f;
  part.for_each([&](float value) { sum += value; });
  const float mean = sum_of_warp(sum) / kLength;
  float squares = 0.0f;
  part.for_each([&](float value) { squares = __fmaf_rn(value - mean, value - mean, squares); });
  const float inverse = 1.0f / sqrtf(sum_of_warp(squares) / kLength + kEpsilon);
  part.store(y, row, [&](int begin, float(&values)[kRowRun]) {
    float factors[kRowRun], terms[kRowRun];
    if constexpr (kHasScale) load_table_run(scale, begin, factors);
    if constexpr (kHasBias) load_table_run(bias, begin, terms);
#pragma unroll
    for (int i = 0; i < kRowRun; ++i) {
      values[i] = (values[i] - mean) * inverse;
      if constexpr (kHasScale) values[i] *= factors[i];
      if constexpr (kHasBias) values[i] += terms[i];
    }
  });
}
