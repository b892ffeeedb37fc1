// Convolution with stride 1 on wgmma (sm_90a) from halo tiles of many channels, in chunks: for
// narrow outputs, where reading every pixel again for every tap costs more than the products.
//
//   acc[p, n] = sum over chunks, taps and channels of x[pixel(p, tap), c] * w[n, tap, c];  y =
//   epilogue(acc)
//
// A tile is kTileRows output rows of one image. For every chunk of kChunkBytes bytes of channels
// one 4-D copy brings the input rows that the tile needs, borders included as zeros, as kPitch
// pixels a row, dense in shared memory; operand A of a tap is the same memory, its descriptor moved
// by whole pixels. Product rows therefore run over kPitch positions a row, of which the last
// kKernelW - 1 are not outputs. Sums stay in registers over the chunks.
//
// A slice is the weights of a channel tile for one tap and chunk. Slices pass through a ring of
// their own, or all of them stay (kResident). The last slice of a tap may reach into the next tap's
// weights: the pixels read as zero there. One warp copies pixels, one weights; kTurns groups of
// kGroupWarpgroups warpgroups take tiles in turn. Grid: persistent, a multiple of kTilesN.
#pragma once

#include "conv/cuda_wgmma_halo_tiles.cuh"
#include "cuda/ring.cuh"

namespace xi {

constexpr int kConsumers = kTurns * kGroupWarpgroups;
constexpr int kThreads = 128 * (kConsumers + 1);
constexpr int kConsumerRegisters = kConsumers == 3 ? 160 : 232;
constexpr int kProducerRegisters = kConsumers == 3 ? 32 : 40;
constexpr int kChannelBytes = kGroupGranules * 16;
constexpr int kChunks = ceil_div(kChannelBytes, kChunkBytes);
constexpr int kLastSteps = ceil_div(kChannelBytes - (kChunks - 1) * kChunkBytes, 32);
constexpr int kTaps = kKernelH * kKernelW;
constexpr int kPositions = 64 * kBlocksM * kGroupWarpgroups;
constexpr int kBoxBytes = (kTileRows + kKernelH - 1) * kPitch * kChunkBytes;
constexpr int kRowsRead = kPositions + (kKernelH - 1) * kPitch + kKernelW;
constexpr int kStageBytes = ceil_div(max_of(kBoxBytes, kRowsRead* kChunkBytes), 1024) * 1024;
constexpr int kSliceBytes = kTileN * kChunkBytes;
constexpr int kSlices = kResident ? kChunks * kTaps : kWeightStages;
constexpr int kWeightBarriers = kResident ? kChunks : 2 * kWeightStages;

constexpr int kWeightOffset = kStages * kStageBytes;
constexpr int kBarrierOffset = kWeightOffset + kSlices * kSliceBytes;

static_assert(1024 + kBarrierOffset + 8 * (2 * kStages + kWeightBarriers) <= kSharedBytes,
              "conv_halo_chunks.cpp must reserve what the kernel uses");
static_assert(kTileRows * kPitch <= kPositions, "the tile's positions are the product's rows");

/// Where the block's structures lie, and which tiles are its own.
struct Block : HaloWalk {
  u32 base;

  __device__ __forceinline__ Block(u32 base_in, int batch) : HaloWalk(batch), base(base_in) {}
  __device__ __forceinline__ u32 pixels(int stage) const { return base + stage * kStageBytes; }
  __device__ __forceinline__ u32 weights(int slice) const {
    return base + kWeightOffset + slice * kSliceBytes;
  }
  __device__ __forceinline__ u32 full(int stage) const { return base + kBarrierOffset + 8 * stage; }
  __device__ __forceinline__ u32 empty(int stage) const { return full(kStages + stage); }
  /// Of a stage of the ring of weights; of a chunk where they are resident.
  __device__ __forceinline__ u32 weights_full(int i) const { return full(2 * kStages + i); }
  __device__ __forceinline__ u32 weights_empty(int i) const {
    return weights_full(kWeightStages + i);
  }
};

using PixelRing = Ring<kStages>;
using WeightRing = Ring<max_of(kWeightStages, 1)>;

/// The thread that copies pixels.
__device__ __forceinline__ void produce_pixels(const Block& block, const TensorMap* x_map) {
  wait_for_predecessor();
  PixelRing ring;
  for (int tile = block.first; tile < block.tiles; tile += block.step) {
    const int image = tile / kTilesPerImage, top = tile % kTilesPerImage * kTileRows;
#pragma unroll 1
    for (int chunk = 0; chunk < kChunks; ++chunk) {
      barrier_wait(block.empty(ring.stage), ring.parity ^ 1);
      barrier_expect(block.full(ring.stage), kBoxBytes);
      copy_box_4d(block.pixels(ring.stage), x_map, block.full(ring.stage),
                  chunk * (kChunkBytes / size_of(kInElem)), -kPadLeft, top - kPadTop, image);
      ring.advance<1>();
    }
  }
}

/// The thread that copies weights, which no kernel writes.
__device__ __forceinline__ void produce_weights(const Block& block, const TensorMap* weight_map) {
  constexpr int kTapElements = kChannelBytes / size_of(kInElem);
  constexpr int kChunkElements = kChunkBytes / size_of(kInElem);
  WeightRing ring;
  for (int tile = block.first; tile < block.tiles; tile += block.step) {
#pragma unroll 1
    for (int chunk = 0; chunk < kChunks; ++chunk) {
      if constexpr (kResident) barrier_expect(block.weights_full(chunk), kTaps * kSliceBytes);
#pragma unroll 1
      for (int tap = 0; tap < kTaps; ++tap) {
        const int k = tap * kTapElements + chunk * kChunkElements;
        if constexpr (kResident) {
          copy_box_2d(block.weights(chunk * kTaps + tap), weight_map, block.weights_full(chunk), k,
                      block.n * kTileN);
        } else {
          barrier_wait(block.weights_empty(ring.stage), ring.parity ^ 1);
          barrier_expect(block.weights_full(ring.stage), kSliceBytes);
          copy_box_2d(block.weights(ring.stage), weight_map, block.weights_full(ring.stage), k,
                      block.n * kTileN);
          ring.template advance<1>();
        }
      }
    }
    if constexpr (kResident) break;
  }
}

/// A consuming warpgroup: the `sub`-th of those that share a tile.
struct Consumer {
  const Block& block;
  int turn, sub, lane;
  PixelRing pixels = {};
  WeightRing weights = {};

  /// Adds kSteps steps of 32 bytes of every tap of a chunk, releasing what the product before the
  /// one in flight has read. Leaves the last product in flight.
  template <int kSteps>
  __device__ __forceinline__ void multiply_chunk(Fragment (&acc)[kBlocksM][kTileN / 2], int chunk) {
    const int previous_pixels = pixels.previous();
    barrier_wait(block.full(pixels.stage), pixels.parity);
    if constexpr (kResident) barrier_wait(block.weights_full(chunk), 0);
    u32 row = block.pixels(pixels.stage) + sub * (64 * kBlocksM * kChunkBytes);
    int tap = 0;
#pragma unroll 1
    for (int y = 0; y < kKernelH; ++y, row += kPitch * kChunkBytes) {
#pragma unroll
      for (int x = 0; x < kKernelW; ++x, ++tap) {
        if constexpr (!kResident) barrier_wait(block.weights_full(weights.stage), weights.parity);
        const int slice = kResident ? chunk * kTaps + tap : weights.stage;
        const u64 a = wgmma_descriptor<kChunkBytes>(row + x * kChunkBytes);
        const u64 b = wgmma_descriptor<kChunkBytes>(block.weights(slice));
        wgmma_fence();
#pragma unroll
        for (int k = 0; k < kSteps; ++k) {
#pragma unroll
          for (int i = 0; i < kBlocksM; ++i) {
            wgmma(acc[i], a + 2 * k + i * (64 * kChunkBytes / 16), b + 2 * k,
                  (chunk | tap | k) != 0);
          }
        }
        wgmma_commit();
        if (!kResident || tap == 0) {
          wgmma_wait<1>();
          if (lane == 0) {
            if (!kResident && (chunk | tap) != 0) {
              barrier_arrive(block.weights_empty(weights.previous()));
            }
            if (tap == 0 && chunk != 0) barrier_arrive(block.empty(previous_pixels));
          }
        }
        if constexpr (!kResident) weights.template advance<1>();
      }
    }
    pixels.template advance<1>();
  }

  /// All sums of a tile.
  __device__ __forceinline__ void multiply_tile(Fragment (&acc)[kBlocksM][kTileN / 2]) {
#pragma unroll 1
    for (int chunk = 0; chunk < kChunks - 1; ++chunk) multiply_chunk<kChunkBytes / 32>(acc, chunk);
    multiply_chunk<kLastSteps>(acc, kChunks - 1);
  }

  /// Waits for the last product and releases what it has read.
  __device__ __forceinline__ void settle(Fragment (&acc)[kBlocksM][kTileN / 2]) {
    wgmma_wait<0>();
    if (lane == 0) {
      barrier_arrive(block.empty(pixels.previous()));
      if constexpr (!kResident) barrier_arrive(block.weights_empty(weights.previous()));
    }
#pragma unroll
    for (int i = 0; i < kBlocksM; ++i) {
#pragma unroll
      for (int j = 0; j < kTileN / 2; ++j) keep_after_wait(acc[i][j]);
    }
  }

  __device__ __forceinline__ void finish(const Fragment (&acc)[kBlocksM][kTileN / 2], int tile,
                                         const float* multiplier, const float* bias, void* y,
                                         const StepPointers& steps) const {
#pragma unroll
    for (int i = 0; i < kBlocksM; ++i) {
      finish_positions(acc[i], (sub * kBlocksM + i) * 64, tile, block.n, multiplier, bias, y,
                       steps);
    }
  }
};

/// The consuming warpgroups, whose groups take this block's tiles in turn.
__device__ __forceinline__ void consume(const Block& block, const float* multiplier,
                                        const float* bias, void* y, const StepPointers& steps) {
  constexpr int kTurnBarrier = 1, kTurnThreads = 2 * 128 * kGroupWarpgroups;
  const int warpgroup = threadIdx.x / 128;
  Consumer consumer = {block, warpgroup / kGroupWarpgroups, warpgroup % kGroupWarpgroups,
                       static_cast<int>(threadIdx.x % 32)};
  if (kTurns > 1 && consumer.turn == kTurns - 1) named_barrier_arrive(kTurnBarrier, kTurnThreads);
  wait_for_predecessor();
  int index = 0;
  for (int tile = block.first; tile < block.tiles; tile += block.step, ++index) {
    if (kTurns > 1 && index % kTurns != consumer.turn) {
      consumer.pixels.template advance<kChunks>();
      if constexpr (!kResident) consumer.weights.template advance<kChunks * kTaps>();
      continue;
    }
    Fragment acc[kBlocksM][kTileN / 2];
    if constexpr (kTurns > 1) named_barrier_sync(kTurnBarrier + consumer.turn, kTurnThreads);
    consumer.multiply_tile(acc);
    if constexpr (kTurns > 1) {
      named_barrier_arrive(kTurnBarrier + (consumer.turn + 1) % kTurns, kTurnThreads);
    }
    consumer.settle(acc);
    consumer.finish(acc, tile, multiplier, bias, y, steps);
  }
}

}  // namespace xi

extern "C" __global__ void __launch_bounds__(xi::kThreads, 1)
    conv_wgmma_halo_chunks(const __grid_constant__ xi::TensorMap x_map,
                           const __grid_constant__ xi::TensorMap weight_map,
                           const float* multiplier, const float* bias, void* y,
                           const xi::StepPointers steps, const int batch) {
  using namespace xi;
  let_successor_start();
  extern __shared__ u8 raw[];
  const Block block((shared_address(raw) + 1023) & ~1023u, batch);
  if (threadIdx.x == 0) {
    constexpr int kReaders = 4 * kGroupWarpgroups;  // one lane of each warp
    for (int s = 0; s < kStages; ++s) {
      barrier_init(block.full(s), 1);
      barrier_init(block.empty(s), kReaders);
    }
    for (int i = 0; i < kWeightBarriers; ++i) {
      barrier_init(block.weights_full(i), !kResident && i >= kWeightStages ? kReaders : 1);
    }
    barrier_init_fence();
  }
  if (threadIdx.x == 32) prefetch_map(&x_map);
  if (threadIdx.x == 64) prefetch_map(&weight_map);
  __syncthreads();
  if (threadIdx.x >= 128 * kConsumers) {
    if constexpr (kConsumers > 1) release_registers<kProducerRegisters>();
    if (threadIdx.x == 128 * kConsumers) produce_pixels(block, &x_map);
    if (threadIdx.x == 128 * kConsumers + 32) produce_weights(block, &weight_map);
  } else {
    if constexpr (kConsumers > 1) claim_registers<kConsumerRegisters>();
    consume(block, multiplier, bias, y, steps);
  }
}
