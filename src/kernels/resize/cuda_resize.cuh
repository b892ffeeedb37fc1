// Resize of NHWC images over height and width (kernels/resize/resize.h), one run of 16 channels of
// an output pixel a thread:
//
//   nearest  y = x[rows[oy], columns[ox]]
//   others   y = factor * sum over columns of w * (sum over rows of w * x)
//
// each sum one chain of fused multiply-adds, rows within columns: what the CPU's passes compute,
// one dimension after the other. INT8 outputs are clamped, then rounded half to even. The table
// holds, for every output row, kTapsH input rows and as many weights; then the same for columns.
#pragma once

#include "cuda/run.cuh"
#include "layer.cuh"

namespace xi {

using namespace layer;

constexpr int kThreads = 256;
constexpr int kRuns = ceil_div(kStored, kRun);

/// The input positions along one axis that an output position is made of.
template <int kTaps>
struct Taps {
  const u32* indices;
  const u32* weights;

  __device__ __forceinline__ Taps(const u32* table, int out, int position)
      : indices(table + position * kTaps), weights(table + (out + position) * kTaps) {}
  __device__ __forceinline__ int index(int k) const { return static_cast<int>(__ldg(indices + k)); }
  __device__ __forceinline__ float weight(int k) const {
    return __uint_as_float(__ldg(weights + k));
  }
};

/// total = w * values for the first tap, fma(w, values, total) for the others.
__device__ __forceinline__ void add_tap(int tap, float weight, const float (&values)[kRun],
                                        float (&total)[kRun]) {
#pragma unroll
  for (int i = 0; i < kRun; ++i) {
    total[i] = tap == 0 ? __fmul_rn(weight, values[i]) : __fmaf_rn(weight, values[i], total[i]);
  }
}

__device__ __forceinline__ void load_pixel(const void* x, int image, int row, int column,
                                           int channel, float (&values)[kRun]) {
  const s64 pixel = (static_cast<s64>(image) * kInH + row) * kInW + column;
  load_run<kInElem, kInAlign>(x, pixel * kInPitch + channel, kChannels - channel, values);
}

__device__ __forceinline__ void interpolate(const void* x, int image, const Taps<kTapsH>& rows,
                                            const Taps<kTapsW>& columns, int channel,
                                            float (&result)[kRun]) {
  for (int kx = 0; kx < kTapsW; ++kx) {
    float total[kRun];
    for (int ky = 0; ky < kTapsH; ++ky) {
      float values[kRun];
      load_pixel(x, image, rows.index(ky), columns.index(kx), channel, values);
      add_tap(ky, rows.weight(ky), values, total);
    }
    add_tap(kx, columns.weight(kx), total, result);
  }
#pragma unroll
  for (int i = 0; i < kRun; ++i) result[i] = __fmul_rn(result[i], kFactor);
}

}  // namespace xi

extern "C" __global__ void __launch_bounds__(xi::kThreads)
    resize(const void* __restrict__ x, const xi::u32* __restrict__ table, void* __restrict__ y,
           const int batch) {
  using namespace xi;
  let_successor_start();
  const s64 item = static_cast<s64>(blockIdx.x) * kThreads + threadIdx.x;
  const s64 out_pixel = item / kRuns;
  const int channel = static_cast<int>(item % kRuns) * kRun;
  const int image = static_cast<int>(out_pixel / (kOutH * kOutW));
  const int in_image = static_cast<int>(out_pixel % (kOutH * kOutW));
  if (image >= batch) return;
  const Taps<kTapsH> rows(table, kOutH, in_image / kOutW);
  const Taps<kTapsW> columns(table + 2 * kOutH * kTapsH, kOutW, in_image % kOutW);
  wait_for_predecessor();
  float result[kRun];
  if constexpr (kNearest) {
    load_pixel(x, image, rows.index(0), columns.index(0), channel, result);
  } else {
    interpolate(x, image, rows, columns, channel, result);
  }
#pragma unroll
  for (int i = 0; i < kRun; ++i) {
    if (kStored > kChannels && channel + i >= kChannels) result[i] = 0.0f;
  }
  store_run<kOutElem, kOutAlign>(y, out_pixel * kOutPitch + channel, kStored - channel, result);
}
