// u8 images [batch, kInH, kInW, kChannels] through one table of 256 entries a channel
// (kernels/quantize/quantize.h), one run of 16 channels of an output pixel a thread; optionally
// space to depth: output channel (dy * kBlock + dx) * kChannels + c of pixel (oy, ox) is channel c
// of the image's pixel (oy * kBlock + dy, ox * kBlock + dx), 0 outside the image. Channels behind
// the last are padding and become zeros.
#pragma once

#include "cuda/run.cuh"
#include "layer.cuh"

namespace xi {

using namespace layer;

constexpr int kThreads = 256;
constexpr int kRuns = ceil_div(kStored, kRun);
constexpr int kOutChannels = kChannels * kBlock * kBlock;

/// Values of channels [channel, channel + kRun) of an output pixel.
__device__ __forceinline__ void look_up(const u8* image, const void* tables, int pixel, int channel,
                                        float (&values)[kRun]) {
  const int oy = pixel / kOutW, ox = pixel % kOutW;
#pragma unroll
  for (int i = 0; i < kRun; ++i) {
    const int k = channel + i, c = k % kChannels, part = k / kChannels;
    const int iy = oy * kBlock + part / kBlock, ix = ox * kBlock + part % kBlock;
    const bool inside = k < kOutChannels && iy < kInH && ix < kInW;
    values[i] = 0.0f;
    if (!inside) continue;
    const int byte = __ldg(image + (static_cast<s64>(iy) * kInW + ix) * kChannels + c);
    values[i] = load_element<kTableElem>(tables, c * 256 + byte);
  }
}

}  // namespace xi

extern "C" __global__ void __launch_bounds__(xi::kThreads)
    convert_image(const xi::u8* __restrict__ x, const void* __restrict__ tables,
                  void* __restrict__ y, const int batch) {
  using namespace xi;
  let_successor_start();
  const s64 item = static_cast<s64>(blockIdx.x) * kThreads + threadIdx.x;
  constexpr int kItems = kOutPixels * kRuns;  // of one image
  const int image = static_cast<int>(item / kItems), in_image = static_cast<int>(item % kItems);
  if (image >= batch) return;
  const int pixel = in_image / kRuns, channel = in_image % kRuns * kRun;
  wait_for_predecessor();
  float values[kRun];
  look_up(x + static_cast<s64>(image) * kInH * kInW * kChannels, tables, pixel, channel, values);
  const s64 index = (static_cast<s64>(image) * kOutPixels + pixel) * kOutPitch + channel;
  store_run<kOutElem, kOutAlign>(y, index, kStored - channel, values);
}
