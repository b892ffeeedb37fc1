// Softmax of float rows, a warp each, in float32: y = exp(x - max) / sum, or with kLog
// x - max - log(sum).
#pragma once

#include "cuda/row.cuh"

extern "C" __global__ void __launch_bounds__(32 * xi::kWarpsOfBlock)
    softmax(const void* __restrict__ x, const float*, const float*, void* __restrict__ y,
            const int batch) {
  using namespace xi;
  using namespace layer;
  let_successor_start();
  const s64 row = row_of_warp(batch);
  if (row < 0) return;
  wait_for_predecessor();
  const RowPart part(x, row);
  float largest = -__int_as_float(0x7f800000);
  part.for_each([&](float value) { largest = fmaxf(largest, value); });
  largest = max_of_warp(largest);
  float sum = 0.0f;
  part.for_each([&](float value) { sum += expf(value - largest); });
  sum = sum_of_warp(sum);
  const float log_sum = kLog ? logf(sum) : 0.0f;
  part.store(y, row, [&](int, float(&values)[kRowRun]) {
#pragma unroll
    for (int i = 0; i < kRowRun; ++i) {
      const float centred = values[i] - largest;
      values[i] = kLog ? centred - log_sum : expf(centred) / sum;
    }
  });
}
