// Runs of channels of the wgmma convolutions (see cuda_mma.cuh): a chunk is the part of a tile in
// which a thread's channels are consecutive.
#pragma once

#include "cuda/epilogue.cuh"
#include "cuda/ptx_sm90.cuh"
#include "layer.cuh"

namespace xi {

using namespace layer;

constexpr int kChunkCols = min_of(kPermutation, kTileN);
constexpr int kChunkChannels = kChunkCols / 4;
constexpr bool kWholeRuns = kStoredChannels % kChunkChannels == 0;

using Fragment = AccumulatorOf<kInElem>;

/// First channel of lane quad `quad` in the chunk that begins at packed row `column`.
__device__ __forceinline__ int run_start(int column, int quad) {
  return column / kPermutation * kPermutation + kPermutation / 4 * quad + column % kPermutation / 4;
}

}  // namespace xi
