// Implicit-GEMM convolution on mma.sync (sm_80 and up): every shape, INT8 and FP16.
//
//   acc[p, n] = sum over taps and channels of x[pixel(p, tap), c] * w[n, tap, c];  y =
//   epilogue(acc)
//
// K runs over 16-byte granules in the order (ky, kx, channel), so a tap with few channels wastes
// nothing. A block computes kTileM pixels times kTileN packed weight rows of one group; cp.async
// feeds a ring of kStages slices of kTileK bytes; shared rows are XOR-swizzled by 16 bytes, which
// makes ldmatrix and the stores free of bank conflicts.
// x: NHWC, 16-byte aligned pixels. Weights: packed by conv_layout (rows permuted, so that a thread
// owns consecutive channels). Grid: x = pixel tiles * channel tiles * groups, channel tiles
// fastest.
#pragma once

#include "cuda/epilogue.cuh"
#include "cuda/ptx_sm80.cuh"
#include "layer.cuh"

namespace xi {

using namespace layer;

constexpr int kThreads = kWarpsM * kWarpsN * 32;
constexpr int kWarpRows = kTileM / kWarpsM;
constexpr int kWarpCols = kTileN / kWarpsN;
constexpr int kMmaRows = kWarpRows / 16;
constexpr int kMmaCols = kWarpCols / 8;
constexpr int kRowGranules = kTileK / 16;
constexpr int kRowsPerPass = kThreads / kRowGranules;
constexpr int kPassesA = kTileM / kRowsPerPass;
constexpr int kPassesB = ceil_div(kTileN, kRowsPerPass);
constexpr int kStageBytes = (kTileM + kTileN) * kTileK;
constexpr int kTaps = kKernelH * kKernelW;
constexpr int kGranules = kTaps * kGroupGranules;
constexpr int kSlices = ceil_div(kGranules, kRowGranules);
constexpr int kChunkCols =
    min_of(kPermutation, kWarpCols);  // packed rows that share a thread's run
constexpr int kChunkChannels = kChunkCols / 4;
constexpr bool kWholeRuns = kStoredChannels % kChunkChannels == 0 &&
                            (kGroups == 1 || kGroupOutChannels % kChunkChannels == 0);
constexpr bool kPointwise = kTaps == 1 && kStrideH == 1 && kStrideW == 1 && kPadTop == 0 &&
                            kPadLeft == 0 && kInH == kOutH && kInW == kOutW;

static_assert(kTileK == 32 || kTileK == 64 || kTileK == 128, "a row is 2, 4 or 8 granules");
static_assert(kWarpRows % 16 == 0 && kWarpCols % 16 == 0, "a warp computes whole mma tiles");
static_assert(kTileM % kRowsPerPass == 0, "all threads load the same number of pixel rows");
static_assert(kPermutation % kChunkCols == 0, "a warp's columns and the permutation must nest");

/// Byte offset of granule `granule` of row `row` in a swizzled slice.
__device__ __forceinline__ u32 swizzled(int row, int granule) {
  constexpr int kShift = kTileK == 128 ? 0 : kTileK == 64 ? 1 : 2;
  return static_cast<u32>(row * kTileK + ((granule ^ ((row >> kShift) & (kRowGranules - 1))) * 16));
}

/// Loads this thread's share of slices: one granule column, every kRowsPerPass-th row.
struct SliceLoader {
  const u8* x;
  const u8* row_base[kPassesA];  // address of (top-left tap, channel 0) of each pixel row
  int row_y[kPassesA], row_x[kPassesA];
  const u8* weights;
  int weight_rows;  // rows of this block's weight tile that exist
  int row, column;

  __device__ __forceinline__ SliceLoader(const u8* x_in, const u8* weights_in, s64 first_pixel,
                                         s64 pixels, int group, int first_row)
      : x(x_in) {
    column = threadIdx.x % kRowGranules;
    row = threadIdx.x / kRowGranules;
#pragma unroll
    for (int i = 0; i < kPassesA; ++i) {
      const s64 pixel = first_pixel + row + i * kRowsPerPass;
      locate(i, pixel, pixel < pixels, group);
    }
    weights = weights_in + (static_cast<s64>(group) * kGroupRows + first_row) * (kGranules * 16);
    weight_rows = kGroupRows - first_row;
  }

  __device__ __forceinline__ void locate(int i, s64 pixel, bool exists, int group) {
    const s64 group_offset = static_cast<s64>(group) * kGroupGranules * 16;
    if constexpr (kPointwise) {
      row_y[i] = exists ? 0 : -1;
      row_base[i] = x + pixel * kInPitchBytes + group_offset;
    } else {
      const u32 p = static_cast<u32>(pixel);
      const u32 image = p / (kOutH * kOutW), in_image = p % (kOutH * kOutW);
      row_y[i] = static_cast<int>(in_image / kOutW) * kStrideH - kPadTop;
      row_x[i] = static_cast<int>(in_image % kOutW) * kStrideW - kPadLeft;
      const s64 input_pixel = (static_cast<s64>(image) * kInH + row_y[i]) * kInW + row_x[i];
      row_base[i] = x + input_pixel * kInPitchBytes + group_offset;
      if (!exists) row_y[i] = -(1 << 28);  // outside the image under every tap
    }
  }

  __device__ __forceinline__ void load_pixels(int slice, u32 stage) const {
    const int granule = slice * kRowGranules + column;
    const int tap = granule / kGroupGranules, channel = granule % kGroupGranules;
    const int dy = tap / kKernelW * kDilationH, dx = tap % kKernelW * kDilationW;
    const s64 offset = static_cast<s64>(dy * kInW + dx) * kInPitchBytes + channel * 16;
    const bool in_range = granule < kGranules;
#pragma unroll
    for (int i = 0; i < kPassesA; ++i) {
      bool valid = in_range;
      if constexpr (kPointwise) {
        valid = valid && row_y[i] == 0;
      } else {
        valid = valid && static_cast<u32>(row_y[i] + dy) < static_cast<u32>(kInH) &&
                static_cast<u32>(row_x[i] + dx) < static_cast<u32>(kInW);
      }
      copy_async_16(stage + swizzled(row + i * kRowsPerPass, column),
                    valid ? row_base[i] + offset : x, valid);
    }
  }

  __device__ __forceinline__ void load_weights(int slice, u32 stage) const {
    const int granule = slice * kRowGranules + column;
    const u8* from = weights + static_cast<s64>(row) * (kGranules * 16) + granule * 16;
#pragma unroll
    for (int i = 0; i < kPassesB; ++i) {
      const int r = row + i * kRowsPerPass;
      if (kTileN % kRowsPerPass != 0 && r >= kTileN) break;
      const bool valid = granule < kGranules && r < weight_rows;
      copy_async_16(stage + kTileM * kTileK + swizzled(r, column),
                    valid ? from + static_cast<s64>(i) * kRowsPerPass * (kGranules * 16) : weights,
                    valid);
    }
  }
};

using Fragment = AccumulatorOf<kInElem>;

/// Multiplies one slice: acc += pixels[kWarpRows, kTileK] * weights[kWarpCols, kTileK]^T.
__device__ __forceinline__ void multiply_slice(Fragment (&acc)[kMmaRows][kMmaCols][4], u32 stage,
                                               int warp_row, int warp_col, int lane) {
  const u32 weights = stage + kTileM * kTileK;
#pragma unroll
  for (int k = 0; k < kTileK / 32; ++k) {
    u32 a[kMmaRows][4], b[kMmaCols / 2][4];
#pragma unroll
    for (int i = 0; i < kMmaRows; ++i) {
      load_matrix_x4(a[i], stage + swizzled(warp_row + i * 16 + (lane & 15), 2 * k + (lane >> 4)));
    }
#pragma unroll
    for (int j = 0; j < kMmaCols / 2; ++j) {
      const int row = warp_col + j * 16 + (lane & 7) + ((lane >> 4) << 3);
      load_matrix_x4(b[j], weights + swizzled(row, 2 * k + ((lane >> 3) & 1)));
    }
#pragma unroll
    for (int i = 0; i < kMmaRows; ++i) {
#pragma unroll
      for (int j = 0; j < kMmaCols; ++j) {
        mma<kInElem>(acc[i][j], a[i], b[j / 2][(j & 1) * 2], b[j / 2][(j & 1) * 2 + 1]);
      }
    }
  }
}

}  // namespace xi

extern "C" __global__ void __launch_bounds__(xi::kThreads, layer::kMinBlocks)
    conv_mma(const xi::u8* __restrict__ x, const xi::u8* __restrict__ weights,
             const float* __restrict__ multiplier, const float* __restrict__ bias,
             void* __restrict__ y, const xi::StepPointers steps, const int batch) {
  using namespace xi;
  extern __shared__ __align__(128) u8 shared[];
  const u32 ring = shared_address(shared);
  const s64 pixels = static_cast<s64>(batch) * kOutH * kOutW;
  const u32 channel_tile = blockIdx.x % (kTilesN * kGroups);
  const s64 first_pixel = static_cast<s64>(blockIdx.x / (kTilesN * kGroups)) * kTileM;
  const int group = channel_tile / kTilesN, first_row = channel_tile % kTilesN * kTileN;
  const SliceLoader loader(x, weights, first_pixel, pixels, group, first_row);

  let_successor_start();
#pragma unroll
  for (int s = 0; s < kStages - 1; ++s) {
    if (s < kSlices) loader.load_weights(s, ring + s * kStageBytes);
  }
  wait_for_predecessor();
#pragma unroll
  for (int s = 0; s < kStages - 1; ++s) {
    if (s < kSlices) loader.load_pixels(s, ring + s * kStageBytes);
    commit_copies();
  }

  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  const int warp_row = warp % kWarpsM * kWarpRows, warp_col = warp / kWarpsM * kWarpCols;
  Fragment acc[kMmaRows][kMmaCols][4] = {};
#pragma unroll 1
  for (int slice = 0; slice < kSlices; ++slice) {
    wait_copies<kStages - 2>();
    __syncthreads();
    const int next = slice + kStages - 1;
    if (next < kSlices) {
      const u32 stage = ring + next % kStages * kStageBytes;
      loader.load_weights(next, stage);
      loader.load_pixels(next, stage);
    }
    commit_copies();
    multiply_slice(acc, ring + slice % kStages * kStageBytes, warp_row, warp_col, lane);
  }

  const int quad = lane % 4;
  const int first_channel = group * kGroupOutChannels;
  const int stored = group == kGroups - 1 ? kStoredChannels - first_channel : kGroupOutChannels;
#pragma unroll
  for (int chunk = 0; chunk < kWarpCols / kChunkCols; ++chunk) {
    const int column = first_row + warp_col + chunk * kChunkCols;
    const int channel =
        column / kPermutation * kPermutation + kPermutation / 4 * quad + column % kPermutation / 4;
    const int row = group * kGroupRows + min(channel, kGroupRows - kChunkChannels);
    const GlobalTable table = {multiplier + row, bias + row};
#pragma unroll
    for (int i = 0; i < kMmaRows; ++i) {
      const s64 p = first_pixel + warp_row + i * 16 + lane / 4;
      const s64 rows[2] = {p < pixels ? p : -1, p + 8 < pixels ? p + 8 : -1};
      const auto value = [&](int half, int v) {
        return acc[i][chunk * (kChunkCols / 8) + v / 2][half * 2 + v % 2];
      };
      finish_tile<2, kChunkChannels, kWholeRuns>(value, rows, channel, first_channel, stored,
                                                 kGroupOutChannels, table, y, steps);
    }
  }
}
