// Layer normalisation of float32 rows, a warp each:
//   y = (x - mean) / sqrt(mean of (x - mean)^2 + epsilon) * scale + bias
// Mean first, then the deviations from it: no cancellation.
#pragma once

#include "cuda/row.cuh"

extern "C" __global__ void __launch_bounds__(32 * xi::kWarpsOfBlock)
    layer_norm(const float* __restrict__ x, const float* __restrict__ scale,
               const float* __restrict__ bias, void* __restrict__ y, const int batch) {
  using namespace xi;
  using namespace layer;
  let_successor_start();
  const s64 row = row_of_warp(batch);
  if (row < 0) return;
  wait_for_predecessor();
  const float* values = x + row * kInPitch;
  const int lane = threadIdx.x % 32;
  float sum = 0.0f;
  for (int i = lane; i < kLength; i += 32) sum += values[i];
  const float mean = sum_of_warp(sum) / kLength;
  float squares = 0.0f;
  for (int i = lane; i < kLength; i += 32) {
    squares = __fmaf_rn(values[i] - mean, values[i] - mean, squares);
  }
  const float inverse = 1.0f / sqrtf(sum_of_warp(squares) / kLength + kEpsilon);
  for (int i = lane; i < kOutPitch; i += 32) {
    float value = 0.0f;
    if (i < kLength) {
      value = (values[i] - mean) * inverse;
      if (kHasScale) value *= scale[i];
      if (kHasBias) value += bias[i];
    }
    store_row_element(y, row, i, value);
  }
}
