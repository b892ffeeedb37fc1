// INT8 depthwise convolution on NHWC, groups = channels.
//
//   acc[p, c] = sum over taps of x[pixel(p, tap), c] * w[tap, c];  y = epilogue(acc)
//
// A thread computes four channels of kColumns neighbouring output pixels of a row. dp4a multiplies
// a word of four channels by the tap's weights with all but one byte cleared: one instruction a
// product and no unpacking. Weights: [tap][kWeightPitch], zeros behind the last channel.
#pragma once

#include "cuda/epilogue.cuh"
#include "layer.cuh"

namespace xi {

using namespace layer;

constexpr int kThreads = 256;
constexpr int kFours = ceil_div(kStoredChannels, 4);
constexpr int kStrips = ceil_div(kOutW, kColumns);  // of an output row
constexpr int kInColumns = (kColumns - 1) * kStrideW + (kKernelW - 1) * kDilationW + 1;
constexpr bool kWholeRuns = kStoredChannels % 4 == 0;

__device__ __forceinline__ s32 multiply_add(u32 x, u32 w, s32 acc) {
  if constexpr (kInElem == Elem::kU8) {
    asm("dp4a.u32.s32 %0, %1, %2, %0;" : "+r"(acc) : "r"(x), "r"(w));
  } else {
    asm("dp4a.s32.s32 %0, %1, %2, %0;" : "+r"(acc) : "r"(x), "r"(w));
  }
  return acc;
}

}  // namespace xi

extern "C" __global__ void __launch_bounds__(xi::kThreads)
    depthwise(const xi::u8* __restrict__ x, const xi::u8* __restrict__ weights,
              const float* __restrict__ multiplier, const float* __restrict__ bias,
              void* __restrict__ y, const xi::StepPointers steps, const int batch) {
  using namespace xi;
  let_successor_start();
  const s64 item = static_cast<s64>(blockIdx.x) * kThreads + threadIdx.x;
  const int channel = static_cast<int>(item % kFours) * 4;
  const s64 strip = item / kFours;
  const s64 out_row = strip / kStrips;
  const int image = static_cast<int>(out_row / kOutH), oy = static_cast<int>(out_row % kOutH);
  const int ox = static_cast<int>(strip % kStrips) * kColumns;
  if (image >= batch) return;
  wait_for_predecessor();
  s32 acc[kColumns][4] = {};
  const int left = ox * kStrideW - kPadLeft;
#pragma unroll
  for (int ky = 0; ky < kKernelH; ++ky) {
    const int iy = oy * kStrideH - kPadTop + ky * kDilationH;
    if (iy < 0 || iy >= kInH) continue;
    const u8* row = x + ((static_cast<s64>(image) * kInH + iy) * kInW) * kInPitchBytes + channel;
    u32 words[kInColumns];
#pragma unroll
    for (int i = 0; i < kInColumns; ++i) {
      const int ix = left + i;
      words[i] = ix >= 0 && ix < kInW
                     ? *reinterpret_cast<const u32*>(row + static_cast<s64>(ix) * kInPitchBytes)
                     : 0u;
    }
#pragma unroll
    for (int kx = 0; kx < kKernelW; ++kx) {
      const u32 w = __ldg(
          reinterpret_cast<const u32*>(weights + (ky * kKernelW + kx) * kWeightPitch + channel));
#pragma unroll
      for (int c = 0; c < 4; ++c) {
        const u32 one = w & (255u << (8 * c));
#pragma unroll
        for (int column = 0; column < kColumns; ++column) {
          acc[column][c] =
              multiply_add(words[column * kStrideW + kx * kDilationW], one, acc[column][c]);
        }
      }
    }
  }
  s64 pixels[kColumns];
#pragma unroll
  for (int column = 0; column < kColumns; ++column) {
    pixels[column] = ox + column < kOutW ? out_row * kOutW + ox + column : -1;
  }
  const auto value = [&](int column, int c) { return acc[column][c]; };
  finish_tile<kColumns, 4, kWholeRuns>(value, pixels, channel, 0, kStoredChannels,
                                       kGroupOutChannels,
                                       GlobalTable{multiplier + channel, bias + channel}, y, steps);
}
