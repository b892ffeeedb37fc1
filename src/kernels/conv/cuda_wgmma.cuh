// Persistent implicit-GEMM convolution on wgmma and the tensor memory accelerator (sm_90a), groups
// = 1.
//
//   acc[p, n] = sum over taps and channels of x[pixel(p, tap), c] * w[n, tap, c];  y =
//   epilogue(acc)
//
// One warp copies slices of kTileK bytes of K into a ring (pixels as a 2-D box for pointwise
// layers, by im2col otherwise; weights as a 2-D box, or once per block where they stay resident).
// kTurns groups of warpgroups take tiles in turn: while one multiplies, the others run their
// epilogues. Channels and pixels beyond the tensors are read as zeros and not written. Block:
// (kTurns * kGroupWarpgroups + 1) warpgroups, the last one copies. Grid: persistent.
#pragma once

#include "conv/cuda_wgmma_finish.cuh"

namespace xi {

__device__ __forceinline__ void initialise_barriers(const SharedLayout& shared) {
  for (int s = 0; s < kStages; ++s) {
    barrier_init(shared.full(s), 1);
    barrier_init(shared.empty(s), 4 * kGroupWarpgroups);  // one lane of each consuming warp
  }
  barrier_init(shared.resident_full(), 1);
  for (int s = 0; s < kResidualStages; ++s) {
    barrier_init(shared.residual_full(s), 1);
    barrier_init(shared.residual_empty(s), kGroupWarpgroups);
  }
  barrier_init_fence();
}

/// The copying thread: all slices of all tiles of this block.
__device__ __forceinline__ void produce(const SharedLayout& shared, const TensorMap* x_map,
                                        const TensorMap* weight_map, int tiles_m) {
  TileWalk tile(tiles_m);
  if constexpr (kResident) {
    if (tile.valid()) {
      barrier_expect(shared.resident_full(), kSlices * kWeightBytes);
      for (int slice = 0; slice < kSlices; ++slice) {
        const int k = slice / kTapSlices * (kGroupGranules * 16 / size_of(kInElem)) +
                      slice % kTapSlices * kElements;
        copy_box_2d(shared.resident(slice), weight_map, shared.resident_full(), k, tile.n * kTileN);
      }
    }
  }
  wait_for_predecessor();
  SliceRing ring;
  for (; tile.valid(); tile.next()) {
    const int first = tile.m * kTileM;
    const int image = first / (kOutH * kOutW), in_image = first % (kOutH * kOutW);
    const int y = in_image / kOutW * kStrideH - kPadTop, x = in_image % kOutW * kStrideW - kPadLeft;
    int tap_x = 0, tap_y = 0, channel = 0, k = 0;
#pragma unroll 1
    for (int slice = 0; slice < kSlices; ++slice) {
      barrier_wait(shared.empty(ring.stage), ring.parity ^ 1);
      const u32 full = shared.full(ring.stage);
      barrier_expect(full, kStageBytes);
      if constexpr (kIm2col) {
        copy_im2col(shared.pixels(ring.stage), x_map, full, channel, x, y, image,
                    static_cast<u16>(tap_x * kDilationW), static_cast<u16>(tap_y * kDilationH));
      } else {
        copy_box_2d(shared.pixels(ring.stage), x_map, full, channel, first);
      }
      if constexpr (!kResident) {
        copy_box_2d(shared.weights(ring.stage), weight_map, full, k + channel, tile.n * kTileN);
      }
      channel += kElements;
      if (channel >= kTapSlices * kElements) {
        channel = 0;
        k += kGroupGranules * 16 / size_of(kInElem);
        if (++tap_x == kKernelW) {
          tap_x = 0;
          ++tap_y;
        }
      }
      ring.advance<1>();
    }
  }
}

/// The thread that brings residual tiles.
__device__ __forceinline__ void produce_residuals(const SharedLayout& shared,
                                                  const TensorMap* residual_map, int tiles_m) {
  wait_for_predecessor();
  int stage = 0;
  u32 parity = 0;
  for (TileWalk tile(tiles_m); tile.valid(); tile.next()) {
    barrier_wait(shared.residual_empty(stage), parity ^ 1);
    barrier_expect(shared.residual_full(stage), kGroupWarpgroups * kStagedBytes);
    for (int w = 0; w < kGroupWarpgroups; ++w) {
      for (int box = 0; box < kTileN / kBoxCols; ++box) {
        copy_box_2d(shared.staged(stage * kGroupWarpgroups + w) + box * kWarpgroupRows * kBoxCols,
                    residual_map, shared.residual_full(stage), tile.n * kTileN + box * kBoxCols,
                    tile.m * kTileM + w * kWarpgroupRows);
      }
    }
    if (++stage == kResidualStages) {
      stage = 0;
      parity ^= 1;
    }
  }
}

/// Multiplies slices of one tile.
struct Multiplier {
  const SharedLayout& shared;
  SliceRing& ring;
  int sub;
  bool elected;

  /// Adds the next slice, the `slice`-th, of which kCount instructions of K are not zero. Releases
  /// the stage before, leaves this multiplication in flight.
  template <int kCount>
  __device__ __forceinline__ void add(Fragment (&acc)[kBlocksM][kTileN / 2], int slice) {
    barrier_wait(shared.full(ring.stage), ring.parity);
    const u64 a =
        wgmma_descriptor<kTileK>(shared.pixels(ring.stage) + sub * kWarpgroupRows * kTileK);
    const u64 b =
        wgmma_descriptor<kTileK>(kResident ? shared.resident(slice) : shared.weights(ring.stage));
    wgmma_fence();
#pragma unroll
    for (int k = 0; k < kCount; ++k) {
#pragma unroll
      for (int i = 0; i < kBlocksM; ++i) {
        wgmma(acc[i], a + 2 * k + i * (64 * kTileK / 16), b + 2 * k, (slice | k) != 0);
      }
    }
    wgmma_commit();
    if (slice > 0) {
      wgmma_wait<1>();
      if (elected) barrier_arrive(shared.empty(ring.previous()));
    }
    ring.advance<1>();
  }

  /// Adds all slices, whole ones and those that end a tap. Leaves the last one in flight.
  __device__ __forceinline__ void add_all(Fragment (&acc)[kBlocksM][kTileN / 2]) {
    if constexpr (kLastSteps == kSteps) {
#pragma unroll 1
      for (int slice = 0; slice < kSlices; ++slice) add<kSteps>(acc, slice);
    } else {
#pragma unroll 1
      for (int slice = 0; slice < kSlices; ++slice) {
#pragma unroll 1
        for (int end = slice + kTapSlices - 1; slice < end; ++slice) add<kSteps>(acc, slice);
        add<kLastSteps>(acc, slice);
      }
    }
  }
};

/// A consuming warpgroup: multiplies and finishes every kTurns-th tile. kRing: kResidualStages.
template <int kRing>
__device__ __forceinline__ void consume(const Finisher& finisher, const TensorMap* y_map,
                                        int tiles_m) {
  const SharedLayout& shared = finisher.shared;
  constexpr int kTurnThreads = 2 * 128 * kGroupWarpgroups;
  const int turn = finisher.warpgroup / kGroupWarpgroups;
  const bool elected = finisher.lane == 0, leader = finisher.warp == 0 && elected;
  if constexpr (kTurns > 1) {
    if (turn == kTurns - 1) named_barrier_arrive(Finisher::kTurnBarrier, kTurnThreads);
  }
  if constexpr (kStepCount > 0 && kRing == 0) wait_for_predecessor();
  SliceRing ring;
  bool weights_here = false;
  int index = 0, staged_parity = 0, previous_residual = -1;
  for (TileWalk tile(tiles_m); tile.valid(); tile.next(), ++index) {
    if (kTurns > 1 && index % kTurns != turn) {
      ring.advance<kSlices>();
      continue;
    }
    Fragment acc[kBlocksM][kTileN / 2];
    if (kResident && !weights_here) {
      barrier_wait(shared.resident_full(), 0);
      weights_here = true;
    }
    if constexpr (kTurns > 1) named_barrier_sync(Finisher::kTurnBarrier + turn, kTurnThreads);
    Multiplier{shared, ring, finisher.sub, elected}.add_all(acc);
    if constexpr (kTurns > 1) {
      named_barrier_arrive(Finisher::kTurnBarrier + (turn + 1) % kTurns, kTurnThreads);
    }
    wgmma_wait<0>();
    if (elected) barrier_arrive(shared.empty(ring.previous()));
#pragma unroll
    for (int i = 0; i < kBlocksM; ++i) {
#pragma unroll
      for (int j = 0; j < kTileN / 2; ++j) keep_after_wait(acc[i][j]);
    }
    if constexpr (!kCopyOut) {
      // Rows of wide elements fill registers sooner, the more so beside a large tile.
      constexpr bool kWide = size_of(kOutElem) > 1 || kWideResiduals;
      constexpr bool kFewRegisters =
          kConsumerRegisters - kBlocksM * kTileN / 2 < 72 && kChunkChannels > 8;
      constexpr int kRows = !kWide ? min_of(4, 2 * kBlocksM) : kFewRegisters ? 1 : 2;
      finisher.template direct<kRows>(acc, tile.m, tile.n);
    } else if constexpr (kRing > 0) {
      const int s = index % kRing;
      const u32 stage = shared.staged(s * kGroupWarpgroups + finisher.sub);
      barrier_wait(shared.residual_full(s), index / kRing & 1);
      finisher.template staged<(kRing > 0), kChunkChannels>(acc, tile.m, tile.n, stage);
      finisher.send(y_map, tile.m, tile.n, stage);
      if (leader) {
        copy_out_wait_read<1>();  // the tile before this one has left its buffer
        if (previous_residual >= 0) barrier_arrive(shared.residual_empty(previous_residual));
        previous_residual = s;
      }
    } else {
      const u32 stage = shared.staged(2 * finisher.warpgroup + staged_parity);
      if (leader) copy_out_wait_read<1>();
      named_barrier_sync(Finisher::kStagingBarrier + finisher.warpgroup, 128);
      finisher.template staged<(kRing > 0), kChunkChannels>(acc, tile.m, tile.n, stage);
      finisher.send(y_map, tile.m, tile.n, stage);
      staged_parity ^= 1;
    }
  }
  if (kCopyOut && leader) copy_out_wait();
}

}  // namespace xi

extern "C" __global__ void __launch_bounds__(xi::kThreads, 1)
    conv_wgmma(const __grid_constant__ xi::TensorMap x_map,
               const __grid_constant__ xi::TensorMap weight_map,
               const __grid_constant__ xi::TensorMap y_map,
               const __grid_constant__ xi::TensorMap residual_map, const float* multiplier,
               const float* bias, void* y, const xi::StepPointers steps, const int batch) {
  using namespace xi;
  let_successor_start();
  extern __shared__ u8 raw[];
  const SharedLayout shared = {(shared_address(raw) + 1023) & ~1023u};
  if (threadIdx.x == 0) initialise_barriers(shared);
  if (threadIdx.x == 32) prefetch_map(&x_map);
  if (threadIdx.x == 64) prefetch_map(&weight_map);
  if (kCopyOut && threadIdx.x == 96) prefetch_map(&y_map);
  if (kResidualStages > 0 && threadIdx.x == 128) prefetch_map(&residual_map);
  __syncthreads();
  const s64 pixels = static_cast<s64>(batch) * kOutH * kOutW;
  const int tiles_m = static_cast<int>((pixels + kTileM - 1) / kTileM);
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  if (warp >= 4 * kConsumers) {
    if constexpr (kConsumers > 1) release_registers<kProducerRegisters>();
    if (lane == 0 && warp == 4 * kConsumers) produce(shared, &x_map, &weight_map, tiles_m);
    if (kResidualStages > 0 && lane == 0 && warp == 4 * kConsumers + 1) {
      produce_residuals(shared, &residual_map, tiles_m);
    }
  } else {
    if constexpr (kConsumers > 1) claim_registers<kConsumerRegisters>();
    if constexpr (kTableInShared) {
      fill_table(shared, multiplier, bias);
      named_barrier_sync(Finisher::kTableBarrier, 128 * kConsumers);
    }
    const Finisher finisher = {shared,   multiplier, bias,     y,
                               steps,    pixels,     warp / 4, warp / 4 % kGroupWarpgroups,
                               warp % 4, lane};
    consume<kResidualStages>(finisher, &y_map, tiles_m);
  }
}
