// Tiles of the halo convolutions: kTileRows output rows of one image, whose product rows run over
// kPitch positions a row; the last kKernelW - 1 of these are not outputs.
#pragma once

#include "conv/cuda_wgmma_runs.cuh"

namespace xi {

constexpr int kTilesPerImage = ceil_div(kOutH, kTileRows);

/// The tiles of a block: first, first + step, … of the channel tile n.
struct HaloWalk {
  int n, first, step, tiles;

  __device__ __forceinline__ explicit HaloWalk(int batch) {
    n = blockIdx.x % kTilesN;
    first = blockIdx.x / kTilesN;
    step = gridDim.x / kTilesN;
    tiles = batch * kTilesPerImage;
  }
};

/// Finishes the 64 positions of a tile that begin at `position`.
__device__ __forceinline__ void finish_positions(const Fragment (&acc)[kTileN / 2], int position,
                                                 int tile, int n, const float* multiplier,
                                                 const float* bias, void* y,
                                                 const StepPointers& steps) {
  const int warp = threadIdx.x / 32 % 4, lane = threadIdx.x % 32;
  const s64 image = tile / kTilesPerImage;
  const int top = tile % kTilesPerImage * kTileRows;
  s64 outputs[2];
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int at = position + warp * 16 + half * 8 + lane / 4;
    const int row = at / kPitch, column = at % kPitch;
    const bool exists = row < kTileRows && top + row < kOutH && column < kOutW;
    outputs[half] = exists ? (image * kOutH + top + row) * kOutW + column : -1;
  }
#pragma unroll
  for (int chunk = 0; chunk < kTileN / kChunkCols; ++chunk) {
    const int channel = run_start(n * kTileN + chunk * kChunkCols, lane % 4);
    const int table = min(channel, kGroupRows - kChunkChannels);
    const auto value = [&](int half, int v) {
      return acc[(chunk * (kChunkCols / 8) + v / 2) * 4 + half * 2 + v % 2];
    };
    finish_tile<2, kChunkChannels, kWholeRuns>(
        value, outputs, channel, 0, kStoredChannels, kGroupOutChannels,
        GlobalTable{multiplier + table, bias + table}, y, steps);
  }
}

}  // namespace xi
