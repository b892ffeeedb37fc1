// Convolution with stride 1 on wgmma (sm_90a) from a halo tile: for few channels, where reading
// each pixel once for all taps pays.
//
//   acc[p, n] = sum over taps and channels of x[pixel(p, tap), c] * w[n, tap, c];  y =
//   epilogue(acc)
//
// A tile is kTileRows output rows of one image. One 4-D copy brings the input rows it needs,
// borders included as zeros, as kPitch pixels a row, dense in shared memory; operand A of a tap is
// the same memory, its descriptor moved by whole pixels. Product rows therefore run over kPitch
// positions a row, of which the last kKernelW - 1 are not outputs. Pixels of 32, 64 or 128 bytes
// are swizzled; pixels of 16 bytes are not: there, 8 pixels are a core matrix and a K step of 32
// bytes is two neighbouring taps, a distance of one pixel. All weights of a channel tile stay in
// shared memory. Two warpgroups take tiles in turn, a third one copies. Grid: persistent, a
// multiple of kTilesN.
#pragma once

#include "conv/cuda_wgmma_halo_tiles.cuh"

namespace xi {

constexpr int kThreads = 384;
constexpr int kPixelBytes = kGroupGranules * 16;
constexpr int kBoxRows = kTileRows + kKernelH - 1;
constexpr int kBoxBytes = kBoxRows * kPitch * kPixelBytes;
constexpr int kRowsRead = 64 * kBlocksM + (kKernelH - 1) * kPitch + kKernelW;
constexpr int kStageBytes = ceil_div(max_of(kBoxBytes, kRowsRead* kPixelBytes), 1024) * 1024;
constexpr int kDepthBytes = kKernelH * kKernelW * kPixelBytes;
constexpr int kWeightRowBytes = kPixelBytes == 16 ? 128 : kPixelBytes;  // of a slice of weights
constexpr int kSlices = ceil_div(kDepthBytes, kWeightRowBytes);
constexpr int kSliceBytes = kTileN * kWeightRowBytes;
constexpr int kSteps = ceil_div(kDepthBytes, 32);

constexpr int kWeightOffset = kStages * kStageBytes;
constexpr int kBarrierOffset = kWeightOffset + kSlices * kSliceBytes;
constexpr int kBarriers = 2 * kStages + 1;

static_assert(1024 + kBarrierOffset + 8 * kBarriers <= kSharedBytes,
              "conv_halo.cpp must reserve what the kernel uses");
static_assert(kTileRows * kPitch <= 64 * kBlocksM, "the tile's positions are the product's rows");
static_assert(kPixelBytes != 16 || kKernelW % 2 == 0, "a K step is two taps of one kernel row");

/// Descriptor of operand A whose rows are pixels from `address` on.
__device__ __forceinline__ u64 pixel_descriptor(u32 address) {
  if constexpr (kPixelBytes == 16) {
    constexpr u64 kNextTap = 16 >> 4, kNextEightPixels = 128 >> 4;
    return static_cast<u64>((address & 0x3FFFF) >> 4) | (kNextTap << 16) | (kNextEightPixels << 32);
  } else {
    return wgmma_descriptor < kPixelBytes == 16 ? 32 : kPixelBytes > (address);
  }
}

/// Offset in bytes of the first pixel and channel of K step `step`.
__device__ __forceinline__ constexpr u32 step_offset(int step) {
  const int byte = step * 32, tap = byte / kPixelBytes;
  return static_cast<u32>((tap / kKernelW * kPitch + tap % kKernelW) * kPixelBytes +
                          byte % kPixelBytes);
}

/// Where the block's structures lie, and which tiles are its own.
struct Halo : HaloWalk {
  u32 base;

  __device__ __forceinline__ Halo(u32 base_in, int batch) : HaloWalk(batch), base(base_in) {}
  __device__ __forceinline__ u32 pixels(int stage) const { return base + stage * kStageBytes; }
  __device__ __forceinline__ u32 weights(int slice) const {
    return base + kWeightOffset + slice * kSliceBytes;
  }
  __device__ __forceinline__ u32 full(int stage) const { return base + kBarrierOffset + 8 * stage; }
  __device__ __forceinline__ u32 empty(int stage) const { return full(kStages + stage); }
  __device__ __forceinline__ u32 weights_full() const { return full(2 * kStages); }
};

__device__ __forceinline__ void produce(const Halo& halo, const TensorMap* x_map,
                                        const TensorMap* weight_map) {
  barrier_expect(halo.weights_full(), kSlices * kSliceBytes);
  for (int slice = 0; slice < kSlices; ++slice) {
    copy_box_2d(halo.weights(slice), weight_map, halo.weights_full(),
                slice * kWeightRowBytes / size_of(kInElem), halo.n * kTileN);
  }
  wait_for_predecessor();
  int stage = 0;
  u32 parity = 0;
  for (int tile = halo.first; tile < halo.tiles; tile += halo.step) {
    barrier_wait(halo.empty(stage), parity ^ 1);
    barrier_expect(halo.full(stage), kBoxBytes);
    copy_box_4d(halo.pixels(stage), x_map, halo.full(stage), 0, -kPadLeft,
                tile % kTilesPerImage * kTileRows - kPadTop, tile / kTilesPerImage);
    if (++stage == kStages) {
      stage = 0;
      parity ^= 1;
    }
  }
}

__device__ __forceinline__ void multiply_tile(Fragment (&acc)[kBlocksM][kTileN / 2],
                                              const Halo& halo, int stage) {
  wgmma_fence();
#pragma unroll
  for (int step = 0; step < kSteps; ++step) {
    const u64 a = pixel_descriptor(halo.pixels(stage) + step_offset(step));
    const int slice = step * 32 / kWeightRowBytes, in_row = step * 32 % kWeightRowBytes;
    const u64 b = wgmma_descriptor<kWeightRowBytes>(halo.weights(slice)) + in_row / 16;
#pragma unroll
    for (int i = 0; i < kBlocksM; ++i) {
      wgmma(acc[i], a + i * (64 * kPixelBytes / 16), b, step != 0);
    }
  }
  wgmma_commit();
}

/// The consuming warpgroups, which take this block's tiles in turn.
__device__ __forceinline__ void consume(const Halo& halo, const float* multiplier,
                                        const float* bias, void* y, const StepPointers& steps) {
  constexpr int kTurnBarrier = 1, kTurnThreads = 256;
  const int turn = threadIdx.x / 128, lane = threadIdx.x % 32;
  if (turn == 1) named_barrier_arrive(kTurnBarrier, kTurnThreads);
  if constexpr (kStepCount > 0) wait_for_predecessor();
  barrier_wait(halo.weights_full(), 0);
  int index = 0;
  for (int tile = halo.first; tile < halo.tiles; tile += halo.step, ++index) {
    if (index % 2 != turn) continue;
    const int stage = index % kStages;
    Fragment acc[kBlocksM][kTileN / 2];
    named_barrier_sync(kTurnBarrier + turn, kTurnThreads);
    barrier_wait(halo.full(stage), index / kStages & 1);
    multiply_tile(acc, halo, stage);
    named_barrier_arrive(kTurnBarrier + (turn ^ 1), kTurnThreads);
    wgmma_wait<0>();
    if (lane == 0) barrier_arrive(halo.empty(stage));
#pragma unroll
    for (int i = 0; i < kBlocksM; ++i) {
#pragma unroll
      for (int j = 0; j < kTileN / 2; ++j) keep_after_wait(acc[i][j]);
    }
#pragma unroll
    for (int i = 0; i < kBlocksM; ++i) {
      finish_positions(acc[i], 64 * i, tile, halo.n, multiplier, bias, y, steps);
    }
  }
}

}  // namespace xi

extern "C" __global__ void __launch_bounds__(xi::kThreads, 1)
    conv_wgmma_halo(const __grid_constant__ xi::TensorMap x_map,
                    const __grid_constant__ xi::TensorMap weight_map, const float* multiplier,
                    const float* bias, void* y, const xi::StepPointers steps, const int batch) {
  using namespace xi;
  let_successor_start();
  extern __shared__ u8 raw[];
  const Halo halo((shared_address(raw) + 1023) & ~1023u, batch);
  if (threadIdx.x == 0) {
    for (int s = 0; s < kStages; ++s) {
      barrier_init(halo.full(s), 1);
      barrier_init(halo.empty(s), 4);
    }
    barrier_init(halo.weights_full(), 1);
    barrier_init_fence();
  }
  if (threadIdx.x == 32) prefetch_map(&x_map);
  if (threadIdx.x == 64) prefetch_map(&weight_map);
  __syncthreads();
  if (threadIdx.x >= 256) {
    release_registers<40>();
    if (threadIdx.x == 256) produce(halo, &x_map, &weight_map);
  } else {
    claim_registers<232>();
    consume(halo, multiplier, bias, y, steps);
  }
}
