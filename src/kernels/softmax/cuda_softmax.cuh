// Softmax of float32 rows, a warp each: y = exp(x - max) / sum, or with kLog x - max - log(sum).
#pragma once

#include "cuda/row.cuh"

extern "C" __global__ void __launch_bounds__(32 * xi::kWarpsOfBlock)
    softmax(const float* __restrict__ x, const float*, const float*, void* __restrict__ y,
            const int batch) {
  using namespace xi;
  using namespace layer;
  let_successor_start();
  const s64 row = row_of_warp(batch);
  if (row < 0) return;
  wait_for_predecessor();
  const float* values = x + row * kInPitch;
  const int lane = threadIdx.x % 32;
  float largest = -__int_as_float(0x7f800000);
  for (int i = lane; i < kLength; i += 32) largest = fmaxf(largest, values[i]);
  largest = max_of_warp(largest);
  float sum = 0.0f;
  for (int i = lane; i < kLength; i += 32) sum += expf(values[i] - largest);
  sum = sum_of_warp(sum);
  const float log_sum = kLog ? logf(sum) : 0.0f;
  for (int i = lane; i < kOutPitch; i += 32) {
    const float centred = (i < kLength ? values[i] : 0.0f) - largest;
    store_row_element(y, row, i, kLog ? centred - log_sum : expf(centred) / sum);
  }
}
