// The persistent wgmma convolution's division of work: constants, shared memory, walk over tiles.
#pragma once

#include "conv/cuda_wgmma_runs.cuh"
#include "cuda/ring.cuh"

namespace xi {

constexpr int kConsumers = kTurns * kGroupWarpgroups;  // warpgroups that multiply
constexpr int kThreads = (kConsumers + 1) * 128;       // and one that copies
constexpr int kWarpgroupRows = 64 * kBlocksM;
constexpr int kTileM = kWarpgroupRows * kGroupWarpgroups;  // pixels of a tile
constexpr int kPixelBytes = kTileM * kTileK;               // of a slice
constexpr int kWeightBytes = kTileN * kTileK;
constexpr int kStageBytes = kPixelBytes + (kResident ? 0 : kWeightBytes);
constexpr int kTapSlices = ceil_div(kGroupGranules * 16, kTileK);
constexpr int kSlices = kKernelH * kKernelW * kTapSlices;
constexpr int kSteps = kTileK / 32;  // instructions of K in a slice; in a tap's last slice:
constexpr int kLastSteps = ceil_div(kGroupGranules * 16 - (kTapSlices - 1) * kTileK, 32);
constexpr int kElements = kTileK / size_of(kInElem);  // of K in a slice

constexpr int kChunks = kTileN / kChunkCols;

// Tiles that pass through shared memory on their way out (and residuals on their way in) consist of
// boxes of at most 128 bytes a row, swizzled like operands.
constexpr int kBoxCols = min_of(kTileN, 128);
constexpr int kStagedBytes = kWarpgroupRows * kTileN;  // one warpgroup's part
constexpr int kStagedTiles = kResidualStages > 0 ? kResidualStages* kGroupWarpgroups
                             : kCopyOut          ? 2 * kConsumers
                                                 : 0;

constexpr int kTableRows = kResident ? kTileN : kTilesN * kTileN;
constexpr int kTableBytes = kTableInShared ? kTableRows * 8 : 0;

// Shared memory, from a base aligned to 1,024 bytes (the swizzle's period).
constexpr int kResidentOffset = kStages * kStageBytes;
constexpr int kStagedOffset = kResidentOffset + (kResident ? kSlices * kWeightBytes : 0);
constexpr int kTableOffset = kStagedOffset + kStagedTiles * kStagedBytes;
constexpr int kBarrierOffset = kTableOffset + kTableBytes;
constexpr int kBarriers = 2 * kStages + 1 + 2 * kResidualStages;
static_assert(1024 + kBarrierOffset + 8 * kBarriers <= kSharedBytes,
              "conv_wgmma.cpp must reserve what the kernel uses");

// setmaxnreg shares out what the block was given at launch.
constexpr int kLaunchRegisters = 65536 / kThreads / 8 * 8;
constexpr int kProducerRegisters = kConsumers > 2 ? 24 : 40;
constexpr int kConsumerRegisters =
    min_of(240, (kLaunchRegisters * (kConsumers + 1) - kProducerRegisters) / kConsumers / 8 * 8);

/// Shared addresses of the block's structures.
struct SharedLayout {
  u32 base;
  __device__ __forceinline__ u32 pixels(int stage) const { return base + stage * kStageBytes; }
  __device__ __forceinline__ u32 weights(int stage) const {
    return base + stage * kStageBytes + kPixelBytes;
  }
  __device__ __forceinline__ u32 resident(int slice) const {
    return base + kResidentOffset + slice * kWeightBytes;
  }
  __device__ __forceinline__ u32 staged(int tile) const {
    return base + kStagedOffset + tile * kStagedBytes;
  }
  __device__ __forceinline__ u32 table() const { return base + kTableOffset; }
  __device__ __forceinline__ u32 full(int stage) const { return base + kBarrierOffset + 8 * stage; }
  __device__ __forceinline__ u32 empty(int stage) const { return full(kStages + stage); }
  __device__ __forceinline__ u32 resident_full() const { return full(2 * kStages); }
  __device__ __forceinline__ u32 residual_full(int s) const { return full(2 * kStages + 1 + s); }
  __device__ __forceinline__ u32 residual_empty(int s) const {
    return full(2 * kStages + 1 + kResidualStages + s);
  }
};

/// The tiles of this block, in the order in which every role of it visits them. Without divisions
/// after the first tile, except where passes are grouped.
struct TileWalk {
  int m, n, tiles_m;
  int step_m, step_n;
  int linear;

  __device__ __forceinline__ explicit TileWalk(int tiles_m_in) : tiles_m(tiles_m_in) {
    const int block = blockIdx.x, blocks = gridDim.x;
    linear = block;
    m = block / kTilesN;
    n = block % kTilesN;
    step_m = blocks / kTilesN;
    step_n = kResident ? 0 : blocks % kTilesN;
    // A resident block keeps its channel tile: blocks beyond the last whole row of tiles idle.
    if (kResident && block >= step_m * kTilesN) m = tiles_m;
    if (kSwizzleM > 1) locate();
  }
  __device__ __forceinline__ bool valid() const { return m < tiles_m; }
  __device__ __forceinline__ void next() {
    if constexpr (kSwizzleM > 1) {
      linear += gridDim.x;
      locate();
    } else {
      m += step_m;
      n += step_n;
      if (!kResident && n >= kTilesN) {
        n -= kTilesN;
        ++m;
      }
    }
  }
  /// kSwizzleM pixel tiles share one pass over the channel tiles, so that L2 keeps both.
  __device__ __forceinline__ void locate() {
    const int pass = linear / (kSwizzleM * kTilesN), in_pass = linear % (kSwizzleM * kTilesN);
    const int rows = min(kSwizzleM, tiles_m - pass * kSwizzleM);
    if (rows <= 0) {
      m = tiles_m;
      return;
    }
    m = pass * kSwizzleM + in_pass % rows;
    n = in_pass / rows;
  }
};

using SliceRing = Ring<kStages>;

}  // namespace xi
