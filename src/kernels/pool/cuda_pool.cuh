// Max and average pooling on NHWC (kernels/pool/pool.h), one run of 16 channels of an output pixel
// a thread, or kLanes threads where the window is large: they share its rows and add up by shuffles
// (INT8 averages only: their int32 sums do not depend on the order).
#pragma once

#include "cuda/run.cuh"
#include "layer.cuh"

namespace xi {

using namespace layer;

constexpr int kThreads = 256;
constexpr int kRuns = ceil_div(kStored, kRun);
constexpr int kRunsPerWarp = 32 / kLanes;

/// The taps of one output pixel along an axis that lie inside the input: [begin, end), and those
/// inside the padded input.
struct Span {
  int begin, end, padded;
};

__device__ __forceinline__ int taps_below(int start, int limit, int kernel, int dilation) {
  return limit <= start ? 0 : min(kernel, (limit - start + dilation - 1) / dilation);
}

__device__ __forceinline__ Span span(int start, int in, int padded_end, int kernel, int dilation) {
  const int begin = taps_below(start, 0, kernel, dilation);
  return {begin, max(begin, taps_below(start, in, kernel, dilation)),
          taps_below(start, padded_end, kernel, dilation)};
}

template <Elem kElem>
__device__ __forceinline__ u32 max_of_words(u32 a, u32 b) {
  return kElem == Elem::kU8 ? __vmaxu4(a, b) : __vmaxs4(a, b);
}

/// Visits the real taps of a window: visit(index of the pixel's first channel), then end_row().
template <typename Visit, typename EndRow>
__device__ __forceinline__ void for_taps(const Span& rows, const Span& columns, int y, int x,
                                         int image, int lane, const Visit& visit,
                                         const EndRow& end_row) {
  const int width = columns.end - columns.begin;
  if constexpr (kLanes > 1) {
    const int taps = width * (rows.end - rows.begin);
    for (int t = lane; t < taps; t += kLanes) {
      const int iy = y + (rows.begin + t / width) * kDilationH;
      const int ix = x + (columns.begin + t % width) * kDilationW;
      visit((static_cast<s64>(image) * kInH + iy) * kInW + ix);
    }
  } else {
    for (int ky = rows.begin; ky < rows.end; ++ky) {
      const s64 row = (static_cast<s64>(image) * kInH + y + ky * kDilationH) * kInW + x;
      for (int kx = columns.begin; kx < columns.end; ++kx) visit(row + kx * kDilationW);
      end_row();
    }
  }
}

__device__ __forceinline__ void max_window(const void* in, const Span& rows, const Span& columns,
                                           int y, int x, int image, int channel,
                                           float (&best)[kRun]) {
  const bool whole = channel + kRun <= kChannels;
  if constexpr (is_int8(kInElem)) {
    if (whole) {
      constexpr u32 kLeast = kInElem == Elem::kU8 ? 0u : 0x80808080u;
      u32 words[4] = {kLeast, kLeast, kLeast, kLeast};
      for_taps(
          rows, columns, y, x, image, 0,
          [&](s64 pixel) {
            u32 tap[4];
            load_words<16, kInAlign>(static_cast<const u8*>(in) + pixel * kInPitch + channel, tap);
#pragma unroll
            for (int i = 0; i < 4; ++i) words[i] = max_of_words<kInElem>(words[i], tap[i]);
          },
          [] {});
#pragma unroll
      for (int i = 0; i < kRun; ++i) best[i] = element<kInElem>(words, i);
      return;
    }
  }
#pragma unroll
  for (int i = 0; i < kRun; ++i) best[i] = __int_as_float(0xff800000);
  for_taps(
      rows, columns, y, x, image, 0,
      [&](s64 pixel) {
        float tap[kRun];
        load_run<kInElem, kInAlign>(in, pixel * kInPitch + channel, kChannels - channel, tap);
#pragma unroll
        for (int i = 0; i < kRun; ++i) best[i] = fmaxf(best[i], tap[i]);
      },
      [] {});
}

/// INT8 sums are exact integers, so float sums of them are too below 2^24; beyond, int32 is used.
template <typename Sum>
__device__ __forceinline__ void sum_window(const void* in, const Span& rows, const Span& columns,
                                           int y, int x, int image, int channel, int lane,
                                           Sum (&total)[kRun]) {
  Sum row[kRun] = {};
#pragma unroll
  for (int i = 0; i < kRun; ++i) total[i] = 0;
  for_taps(
      rows, columns, y, x, image, lane,
      [&](s64 pixel) {
        float tap[kRun];
        load_run<kInElem, kInAlign>(in, pixel * kInPitch + channel, kChannels - channel, tap);
#pragma unroll
        for (int i = 0; i < kRun; ++i) row[i] += static_cast<Sum>(tap[i]);
      },
      [&] {
#pragma unroll
        for (int i = 0; i < kRun; ++i) {
          total[i] += row[i];
          row[i] = 0;
        }
      });
  if constexpr (kLanes > 1) {
#pragma unroll
    for (int i = 0; i < kRun; ++i) {
      total[i] = row[i];
#pragma unroll
      for (int step = kRunsPerWarp; step < 32; step *= 2) {
        total[i] += __shfl_xor_sync(0xffffffffu, total[i], step);
      }
    }
  }
}

__device__ __forceinline__ void average_window(const void* in, const Span& rows,
                                               const Span& columns, int y, int x, int image,
                                               int channel, int lane, const float* factors,
                                               float (&mean)[kRun]) {
  const int real = (rows.end - rows.begin) * (columns.end - columns.begin);
  const int count = max(1, kCountPadding ? rows.padded * columns.padded : real);
  if constexpr (is_int8(kInElem)) {
    s32 total[kRun];
    sum_window(in, rows, columns, y, x, image, channel, lane, total);
    const float factor = __ldg(factors + count);
#pragma unroll
    for (int i = 0; i < kRun; ++i) mean[i] = __fmul_rn(static_cast<float>(total[i]), factor);
  } else {
    float total[kRun];
    sum_window(in, rows, columns, y, x, image, channel, lane, total);
#pragma unroll
    for (int i = 0; i < kRun; ++i) mean[i] = __fdiv_rn(total[i], static_cast<float>(count));
  }
}

}  // namespace xi

/// `factors`: INT8 averages: fl32(s_x / (s_y * count)) for every count; otherwise null.
extern "C" __global__ void __launch_bounds__(xi::kThreads)
    pool(const void* __restrict__ x, const float* __restrict__ factors, void* __restrict__ y,
         const int batch) {
  using namespace xi;
  let_successor_start();
  const s64 thread = static_cast<s64>(blockIdx.x) * kThreads + threadIdx.x;
  // Within a warp: kRunsPerWarp runs side by side, kLanes times.
  const s64 item = thread / 32 * kRunsPerWarp + thread % kRunsPerWarp;
  const int lane = static_cast<int>(thread % 32) / kRunsPerWarp;
  const s64 out_pixel = item / kRuns;
  const int channel = static_cast<int>(item % kRuns) * kRun;
  const int image = static_cast<int>(out_pixel / (kOutH * kOutW));
  const int in_image = static_cast<int>(out_pixel % (kOutH * kOutW));
  const bool exists = image < batch;
  if (kLanes == 1 && !exists) return;
  const int top = in_image / kOutW * kStrideH - kPadTop;
  const int left = in_image % kOutW * kStrideW - kPadLeft;
  Span rows = span(top, kInH, kInH + kPadBottom, kKernelH, kDilationH);
  const Span columns = span(left, kInW, kInW + kPadRight, kKernelW, kDilationW);
  if (!exists) rows.end = rows.begin;  // only takes part in the shuffles
  wait_for_predecessor();
  float result[kRun];
  if constexpr (kMax) {
    max_window(x, rows, columns, top, left, image, channel, result);
  } else {
    average_window(x, rows, columns, top, left, image, channel, lane, factors, result);
  }
  if (!exists || lane != 0) return;
#pragma unroll
  for (int i = 0; i < kRun; ++i) {
    if (kStored > kChannels && channel + i >= kChannels) result[i] = 0.0f;
  }
  store_run<kOutElem, kOutAlign>(y, out_pixel * kOutPitch + channel, kStored - channel, result);
}
