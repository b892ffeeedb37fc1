// Pointwise work between and beside the convolutions, one run of 16 channels a thread:
//   kConvert   y = x between types, scales and layouts (kernels/quantize/quantize.h); optionally
//              space to depth: output channel (dy * kBlock + dx) * kChannels + c of output pixel
//              (oy, ox) is channel c of input pixel (oy * kBlock + dy, ox * kBlock + dx), 0 outside
//   kAdd, kMultiply  two INT8 tensors with scales of their own (kernels/residual/residual.h)
//   kTable     y = table[x], bytes
// Channels kOutChannels … kStored - 1 are padding and become zeros.
#pragma once

#include "cuda/run.cuh"
#include "layer.cuh"

namespace xi {

using namespace layer;

constexpr int kThreads = 256;
constexpr int kRuns = ceil_div(kStored, kRun);

/// Input values of output channels [channel, channel + kRun) of a pixel.
__device__ __forceinline__ void gather(const void* x, int image, int pixel, int channel,
                                       float (&values)[kRun]) {
  if constexpr (kBlock > 1) {
    const int oy = pixel / kOutW, ox = pixel % kOutW;
#pragma unroll
    for (int i = 0; i < kRun; ++i) {
      const int k = channel + i, c = k % kChannels, d = k / kChannels;
      const int iy = oy * kBlock + d / kBlock, ix = ox * kBlock + d % kBlock;
      const bool inside = k < kOutChannels && iy < kInH && ix < kInW;
      const s64 in_pixel = static_cast<s64>(iy) * kInW + ix;
      const s64 index = kInPlanar ? (static_cast<s64>(image) * kChannels + c) * kInPixels + in_pixel
                                  : (static_cast<s64>(image) * kInPixels + in_pixel) * kInPitch + c;
      values[i] = inside ? load_element<kInElem>(x, index) : 0.0f;
    }
  } else if constexpr (kInPlanar) {
#pragma unroll
    for (int i = 0; i < kRun; ++i) {
      const s64 plane = static_cast<s64>(image) * kChannels + channel + i;
      values[i] =
          channel + i < kChannels ? load_element<kInElem>(x, plane * kInPixels + pixel) : 0.0f;
    }
  } else {
    const s64 index = (static_cast<s64>(image) * kInPixels + pixel) * kInPitch + channel;
    load_run<kInElem, kInAlign>(x, index, kChannels - channel, values);
  }
}

__device__ __forceinline__ void convert(float (&values)[kRun]) {
#pragma unroll
  for (int i = 0; i < kRun; ++i) {
    if constexpr (kQuantise) values[i] = __fdiv_rn(values[i], kFactor);
    if constexpr (kRescale) values[i] = __fmul_rn(values[i], kFactor);
  }
}

__device__ __forceinline__ void combine(const void* x2, int image, int pixel, int channel,
                                        float (&values)[kRun]) {
  float other[kRun];
  const s64 index =
      static_cast<s64>(image) * kIn2ImagePitch + static_cast<s64>(pixel) * kIn2Pitch + channel;
  load_run<kIn2Elem, kIn2Align>(x2, index, kChannels - channel, other);
#pragma unroll
  for (int i = 0; i < kRun; ++i) {
    const float y = kAdd ? __fmaf_rn(values[i], kFactor, __fmaf_rn(other[i], kFactor2, 0.0f))
                         : __fmul_rn(__fmul_rn(values[i], other[i]), kFactor);
    values[i] = fminf(fmaxf(y, kLow), kHigh);
  }
}

__device__ __forceinline__ void look_up(const void* table, float (&values)[kRun]) {
#pragma unroll
  for (int i = 0; i < kRun; ++i) {
    const u8 byte = __ldg(static_cast<const u8*>(table) + (static_cast<int>(values[i]) & 255));
    values[i] = kOutElem == Elem::kS8 ? static_cast<float>(static_cast<s8>(byte))
                                      : static_cast<float>(byte);
  }
}

__device__ __forceinline__ void scatter(void* y, int image, int pixel, int channel,
                                        float (&values)[kRun]) {
  if constexpr (kOutPlanar) {
#pragma unroll
    for (int i = 0; i < kRun; ++i) {
      const s64 plane = static_cast<s64>(image) * kOutChannels + channel + i;
      if (channel + i < kOutChannels) {
        store_element<kOutElem>(y, plane * kOutPixels + pixel, values[i]);
      }
    }
  } else {
#pragma unroll
    for (int i = 0; i < kRun; ++i) {
      if (kStored > kOutChannels && channel + i >= kOutChannels) values[i] = 0.0f;
    }
    const s64 index = (static_cast<s64>(image) * kOutPixels + pixel) * kOutPitch + channel;
    store_run<kOutElem, kOutAlign>(y, index, kStored - channel, values);
  }
}

}  // namespace xi

extern "C" __global__ void __launch_bounds__(xi::kThreads)
    pointwise(const void* __restrict__ x, const void* __restrict__ x2, void* __restrict__ y,
              const int batch) {
  using namespace xi;
  let_successor_start();
  const s64 item = static_cast<s64>(blockIdx.x) * kThreads + threadIdx.x;
  constexpr int kItems = kOutPixels * kRuns;  // of one image
  const int image = static_cast<int>(item / kItems), in_image = static_cast<int>(item % kItems);
  if (image >= batch) return;
  // Neighbouring threads take what lies side by side in memory: pixels of a plane, or runs.
  constexpr bool kPixelsFirst = kInPlanar || kOutPlanar;
  const int pixel = kPixelsFirst ? in_image % kOutPixels : in_image / kRuns;
  const int channel = (kPixelsFirst ? in_image / kOutPixels : in_image % kRuns) * kRun;
  wait_for_predecessor();
  float values[kRun];
  gather(x, image, pixel, channel, values);
  if constexpr (kTable) {
    look_up(x2, values);
  } else if constexpr (kAdd || kMultiply) {
    combine(x2, image, pixel, channel, values);
  } else {
    convert(values);
  }
  scatter(y, image, pixel, channel, values);
}
