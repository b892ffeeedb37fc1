// Float32 convolution, for calibration and for layers that stay float: a plain tiled implicit GEMM.
//
//   acc[p, n] = sum over taps and channels of x[pixel(p, tap), c] * w[n, tap, c];  y =
//   epilogue(acc)
//
// Every output is one FMA chain over K in the order (ky, kx, c), as on the CPU. A block computes 64
// pixels times 64 weight rows of one group, a thread 4 x 4 of them; slices of 16 floats of K go
// through shared memory, the next one being fetched meanwhile. Grid: pixel tiles * channel tiles *
// groups, channel tiles fastest.
#pragma once

#include "cuda/epilogue.cuh"
#include "layer.cuh"

namespace xi {

using namespace layer;

constexpr int kThreads = 256;
constexpr int kTile = 64;          // pixels, and weight rows
constexpr int kSliceGranules = 4;  // of 16 bytes: 16 floats
constexpr int kSliceFloats = 4 * kSliceGranules;
constexpr int kGranules = kKernelH * kKernelW * kGroupGranules;
constexpr int kSlices = ceil_div(kGranules, kSliceGranules);
constexpr int kTilesN = ceil_div(kGroupRows, kTile);
constexpr bool kWholeRuns =
    kStoredChannels % 4 == 0 && (kGroups == 1 || kGroupOutChannels % 4 == 0);

/// One slice of both operands, K outermost; padded so that transposing stores spread over banks.
struct Slice {
  float pixels[kSliceFloats][kTile + 4];
  float weights[kSliceFloats][kTile + 4];
};

/// The tile column of packed weight row `row`: its channel (cuda/conv_layout.h).
__device__ __forceinline__ int column_of_row(int row) {
  const int position = row % kPermutation;
  return row - position + kPermutation / 4 * (position % 8 / 2) + 2 * (position / 8) + position % 2;
}

__device__ __forceinline__ void store_transposed(float (*to)[kTile + 4], int granule, int column,
                                                 const float4& v) {
  to[4 * granule][column] = v.x;
  to[4 * granule + 1][column] = v.y;
  to[4 * granule + 2][column] = v.z;
  to[4 * granule + 3][column] = v.w;
}

}  // namespace xi

extern "C" __global__ void __launch_bounds__(xi::kThreads)
    conv_f32(const float* __restrict__ x, const float* __restrict__ weights,
             const float* __restrict__ multiplier, const float* __restrict__ bias,
             void* __restrict__ y, const xi::StepPointers steps, const int batch) {
  using namespace xi;
  __shared__ Slice slice;
  let_successor_start();
  const s64 pixels = static_cast<s64>(batch) * kOutH * kOutW;
  const u32 channel_tile = blockIdx.x % (kTilesN * kGroups);
  const s64 first_pixel = static_cast<s64>(blockIdx.x / (kTilesN * kGroups)) * kTile;
  const int group = channel_tile / kTilesN, first_row = channel_tile % kTilesN * kTile;

  // This thread fetches granule `granule` of row `row` of both operands.
  const int row = threadIdx.x / kSliceGranules, granule = threadIdx.x % kSliceGranules;
  const s64 pixel = first_pixel + row;
  const bool pixel_exists = pixel < pixels;
  const int image = static_cast<int>(pixel / (kOutH * kOutW));
  const int in_image = static_cast<int>(pixel % (kOutH * kOutW));
  const int top = in_image / kOutW * kStrideH - kPadTop;
  const int left = in_image % kOutW * kStrideW - kPadLeft;
  const float* weight_row =
      weights + (static_cast<s64>(group) * kGroupRows + first_row + row) * (kGranules * 4);
  const bool row_exists = first_row + row < kGroupRows;
  const auto fetch = [&](int index, float4& a, float4& b) {
    const int g = index * kSliceGranules + granule;
    const int tap = g / kGroupGranules, channel = g % kGroupGranules * 4;
    const int iy = top + tap / kKernelW * kDilationH, ix = left + tap % kKernelW * kDilationW;
    const bool inside = g < kGranules && iy >= 0 && iy < kInH && ix >= 0 && ix < kInW;
    a = b = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
    if (inside && pixel_exists) {
      const s64 at = (static_cast<s64>(image) * kInH + iy) * kInW + ix;
      a = *reinterpret_cast<const float4*>(x + at * (kInPitchBytes / 4) +
                                           group * kGroupGranules * 4 + channel);
    }
    if (g < kGranules && row_exists) {
      b = *reinterpret_cast<const float4*>(weight_row + static_cast<s64>(g) * 4);
    }
  };

  wait_for_predecessor();
  float4 a, b;
  fetch(0, a, b);
  const int column = threadIdx.x % 16 * 4, line = threadIdx.x / 16 * 4;
  float acc[4][4] = {};
#pragma unroll 1
  for (int index = 0; index < kSlices; ++index) {
    store_transposed(slice.pixels, granule, row, a);
    store_transposed(slice.weights, granule, column_of_row(row), b);
    __syncthreads();
    if (index + 1 < kSlices) fetch(index + 1, a, b);
#pragma unroll
    for (int k = 0; k < kSliceFloats; ++k) {
      const float4 p = *reinterpret_cast<const float4*>(&slice.pixels[k][line]);
      const float4 w = *reinterpret_cast<const float4*>(&slice.weights[k][column]);
      const float ps[4] = {p.x, p.y, p.z, p.w}, ws[4] = {w.x, w.y, w.z, w.w};
#pragma unroll
      for (int i = 0; i < 4; ++i) {
#pragma unroll
        for (int j = 0; j < 4; ++j) acc[i][j] = __fmaf_rn(ps[i], ws[j], acc[i][j]);
      }
    }
    __syncthreads();
  }

  const int channel = first_row + column;
  const int first_channel = group * kGroupOutChannels;
  const int stored = group == kGroups - 1 ? kStoredChannels - first_channel : kGroupOutChannels;
  s64 rows[4];
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    rows[i] = first_pixel + line + i < pixels ? first_pixel + line + i : -1;
  }
  const int table = group * kGroupRows + min(channel, kGroupRows - 4);
  const auto value = [&](int i, int j) { return acc[i][j]; };
  finish_tile<4, 4, kWholeRuns>(value, rows, channel, first_channel, stored, kGroupOutChannels,
                                GlobalTable{multiplier + table, bias + table}, y, steps);
}
