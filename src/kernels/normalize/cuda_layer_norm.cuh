// Layer normalisation of float rows, a warp each, in float32:
//   y = (x - mean) / sqrt(mean of (x - mean)^2 + epsilon) * scale + bias
// Mean first, then the deviations from it: no cancellation.
#pragma once

#include "cuda/row.cuh"

namespace xi {

/// A lane's values of scale and bias: in registers from the start, or loaded run by run.
template <bool kEarly>
struct RowTables {
  const float* scale;
  const float* bias;

  __device__ __forceinline__ RowTables(const float* scale_in, const float* bias_in)
      : scale(scale_in), bias(bias_in) {}
  __device__ __forceinline__ void get(int run, float (&factors)[kRowRun],
                                      float (&terms)[kRowRun]) const {
    if constexpr (layer::kHasScale) load_table_run(scale, run_begin(run), factors);
    if constexpr (layer::kHasBias) load_table_run(bias, run_begin(run), terms);
  }
};
template <>
struct RowTables<true> {
  float all_factors[kRowRuns][kRowRun], all_terms[kRowRuns][kRowRun];

  __device__ __forceinline__ RowTables(const float* scale, const float* bias) {
#pragma unroll
    for (int run = 0; run < kRowRuns; ++run) {
      RowTables<false>(scale, bias).get(run, all_factors[run], all_terms[run]);
    }
  }
  __device__ __forceinline__ void get(int run, float (&factors)[kRowRun],
                                      float (&terms)[kRowRun]) const {
#pragma unroll
    for (int i = 0; i < kRowRun; ++i) {
      if constexpr (layer::kHasScale) factors[i] = all_factors[run][i];
      if constexpr (layer::kHasBias) terms[i] = all_terms[run][i];
    }
  }
};

}  // namespace xi

extern "C" __global__ void __launch_bounds__(32 * xi::kWarpsOfBlock)
    layer_norm(const void* __restrict__ x, const float* __restrict__ scale,
               const float* __restrict__ bias, void* __restrict__ y, const int batch) {
  using namespace xi;
  using namespace layer;
  let_successor_start();
  const s64 row = row_of_warp(batch);
  if (row < 0) return;
  const RowTables<kTablesEarly> tables(scale, bias);
  wait_for_predecessor();
  const RowPart part(x, row);
  float sum = 0.0f;
  part.for_each([&](float value) { sum += value; });
  const float mean = sum_of_warp(sum) / kLength;
  float squares = 0.0f;
  part.for_each([&](float value) { squares = __fmaf_rn(value - mean, value - mean, squares); });
  const float inverse = 1.0f / sqrtf(sum_of_warp(squares) / kLength + kEpsilon);
  part.store(y, row, [&](int run, float(&values)[kRowRun]) {
    float factors[kRowRun], terms[kRowRun];
    tables.get(run, factors, terms);
#pragma unroll
    for (int i = 0; i < kRowRun; ++i) {
      values[i] = (values[i] - mean) * inverse;
      if constexpr (kHasScale) values[i] *= factors[i];
      if constexpr (kHasBias) values[i] += terms[i];
    }
  });
}
