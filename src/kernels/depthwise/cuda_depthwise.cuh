// INT8 and FP16 depthwise convolution on NHWC, groups = channels.
//
//   acc[p, c] = sum over taps of x[pixel(p, tap), c] * w[tap, c];  y = epilogue(acc)
//
// A thread computes four channels of kColumns neighbouring output pixels of a row. INT8: dp4a
// multiplies a word of four channels by the tap's weights with all but one byte cleared: one
// instruction a product and no unpacking. FP16: float32 FMA chains over (ky, kx). Weights:
// [tap][kWeightPitch], zeros behind the last channel.
#pragma once

#include "cuda/epilogue.cuh"
#include "cuda/run.cuh"
#include "layer.cuh"

namespace xi {

using namespace layer;

constexpr int kThreads = 256;
constexpr int kFours = ceil_div(kStoredChannels, 4);
constexpr int kStrips = ceil_div(kOutW, kColumns);  // of an output row
constexpr int kInColumns = (kColumns - 1) * kStrideW + (kKernelW - 1) * kDilationW + 1;
constexpr bool kWholeRuns = kStoredChannels % 4 == 0;

using Sum = AccumulatorOf<kInElem>;

/// Four channels of a pixel or of a tap's weights.
template <bool kInt8>
struct Four {
  u32 word = 0;

  __device__ __forceinline__ void load(const void* from) { word = *static_cast<const u32*>(from); }
  __device__ __forceinline__ Four only(int c) const { return {word & (255u << (8 * c))}; }
  /// acc + x[c] * w[c]; `w` holds channel c alone.
  static __device__ __forceinline__ s32 multiply_add(const Four& x, const Four& w, int, s32 acc) {
    if constexpr (kInElem == Elem::kU8) {
      asm("dp4a.u32.s32 %0, %1, %2, %0;" : "+r"(acc) : "r"(x.word), "r"(w.word));
    } else {
      asm("dp4a.s32.s32 %0, %1, %2, %0;" : "+r"(acc) : "r"(x.word), "r"(w.word));
    }
    return acc;
  }
};
template <>
struct Four<false> {
  float value[4] = {};

  __device__ __forceinline__ void load(const void* from) {
    u32 words[2];
    load_words<8, 8>(from, words);
#pragma unroll
    for (int c = 0; c < 4; ++c) value[c] = element<Elem::kF16>(words, c);
  }
  __device__ __forceinline__ const Four& only(int) const { return *this; }
  static __device__ __forceinline__ float multiply_add(const Four& x, const Four& w, int c,
                                                       float acc) {
    return __fmaf_rn(x.value[c], w.value[c], acc);
  }
};
using FourChannels = Four<is_int8(kInElem)>;

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
  Sum acc[kColumns][4] = {};
  const int left = ox * kStrideW - kPadLeft;
#pragma unroll
  for (int ky = 0; ky < kKernelH; ++ky) {
    const int iy = oy * kStrideH - kPadTop + ky * kDilationH;
    if (iy < 0 || iy >= kInH) continue;
    const u8* row = x + ((static_cast<s64>(image) * kInH + iy) * kInW) * kInPitchBytes +
                    channel * size_of(kInElem);
    FourChannels pixels[kInColumns];
#pragma unroll
    for (int i = 0; i < kInColumns; ++i) {
      const int ix = left + i;
      if (ix >= 0 && ix < kInW) pixels[i].load(row + static_cast<s64>(ix) * kInPitchBytes);
    }
#pragma unroll
    for (int kx = 0; kx < kKernelW; ++kx) {
      FourChannels w;
      w.load(weights + ((ky * kKernelW + kx) * kWeightPitch + channel) * size_of(kInElem));
#pragma unroll
      for (int c = 0; c < 4; ++c) {
        const FourChannels one = w.only(c);
#pragma unroll
        for (int column = 0; column < kColumns; ++column) {
          acc[column][c] = FourChannels::multiply_add(pixels[column * kStrideW + kx * kDilationW],
                                                      one, c, acc[column][c]);
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
