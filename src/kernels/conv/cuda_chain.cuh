// Two pointwise INT8 convolutions in one launch on wgmma and the tensor memory accelerator
// (sm_90a): a block's expansion and the reduction that reads it.
//
//   y1[p, n] = epilogue(sum over c of x[p, c] * w1[n, c])
//   y2[p, m] = epilogue2(sum over n of y1[p, n] * w2[m, n])
//
// Both are written; the second product takes y1 from shared memory. The weights of both stay there.
// Every consuming warpgroup walks over tiles of kTileRows pixels on its own and passes over y1's
// channels in boxes of kBoxCols: product, epilogue into the box (in the place of the residual's
// values, which a copy has brought), from where a copy takes it out while it is multiplied into the
// second product. The epilogues of one warpgroup run beside the products of the others. Block:
// kConsumers warpgroups and one whose warps copy, one for each of them. Grid: persistent.
#pragma once

#include "conv/cuda_chain_tiles.cuh"
#include "cuda/next_epilogue.cuh"

namespace xi {

/// Initialises the barriers of this block.
__device__ __forceinline__ void initialise_barriers(Chain chain) {
  barrier_init(chain.weights_full(), 1);
  barrier_init(chain.next_weights_full(), 1);
  for (chain.consumer = 0; chain.consumer < kConsumers; ++chain.consumer) {
    for (int s = 0; s < kInputStages; ++s) {
      barrier_init(chain.input_full(s), 1);
      barrier_init(chain.input_empty(s), 4);  // one lane of each warp
    }
    for (int s = 0; s < kBoxStages; ++s) {
      barrier_init(chain.box_full(s), 1);
      barrier_init(chain.box_empty(s), 1);
    }
  }
  barrier_init_fence();
}

__device__ __forceinline__ void copy_weights(const Chain& chain, const TensorMap* weight_map,
                                             const TensorMap* next_weight_map) {
  barrier_expect(chain.weights_full(), kBoxes * kSlices * kWeightBytes);
  for (int box = 0; box < kBoxes; ++box) {
    for (int slice = 0; slice < kSlices; ++slice) {
      copy_box_2d(chain.weights(box, slice), weight_map, chain.weights_full(), slice * kTileK,
                  box * kBoxCols);
    }
  }
  barrier_expect(chain.next_weights_full(), kBoxes * kNextWeightBytes);
  for (int box = 0; box < kBoxes; ++box) {
    copy_box_2d(chain.next_weights(box), next_weight_map, chain.next_weights_full(), box * kBoxCols,
                0);
  }
}

/// The copying thread of a consumer: inputs and residuals of all its tiles.
__device__ __forceinline__ void produce(const Chain& chain, const TensorMap* x_map,
                                        const TensorMap* residual_map) {
  RingPosition<kInputStages> input;
  RingPosition<kBoxStages> box;
  for (int tile = chain.first_tile(); tile < chain.tiles; tile += chain.step()) {
    barrier_wait(chain.input_empty(input.stage), input.parity ^ 1);
    barrier_expect(chain.input_full(input.stage), kInputBytes);
    for (int slice = 0; slice < kSlices; ++slice) {
      copy_box_2d(chain.input(input.stage) + slice * kSliceBytes, x_map,
                  chain.input_full(input.stage), slice * kTileK, tile * kTileRows);
    }
    input.advance();
    if constexpr (kHasResidual) {
      for (int b = 0; b < kBoxes; ++b) {
        barrier_wait(chain.box_empty(box.stage), box.parity ^ 1);
        barrier_expect(chain.box_full(box.stage), kBoxBytes);
        copy_box_2d(chain.box(box.stage), residual_map, chain.box_full(box.stage), b * kBoxCols,
                    tile * kTileRows);
        box.advance();
      }
    }
  }
}

using Accumulators = s32[kBoxCols / 2];
using NextAccumulators = s32[kNextRows / 2];

/// The first product of a box.
__device__ __forceinline__ void multiply(Accumulators& acc, const Chain& chain, u32 input,
                                         int box) {
  wgmma_fence();
#pragma unroll
  for (int slice = 0; slice < kSlices; ++slice) {
    const u64 a = wgmma_descriptor<kTileK>(input + slice * kSliceBytes);
    const u64 b = wgmma_descriptor<kTileK>(chain.weights(box, slice));
#pragma unroll
    for (int k = 0; k < kTileK / 32; ++k) wgmma(acc, a + 2 * k, b + 2 * k, (slice | k) != 0);
  }
  wgmma_commit();
}

/// Adds a box's part of the second product.
__device__ __forceinline__ void multiply_next(NextAccumulators& acc, const Chain& chain, u32 from,
                                              int box) {
  wgmma_fence();
  const u64 a = wgmma_descriptor<kBoxCols>(from);
  const u64 b = wgmma_descriptor<kBoxCols>(chain.next_weights(box));
#pragma unroll
  for (int k = 0; k < kBoxCols / 32; ++k) next::wgmma(acc, a + 2 * k, b + 2 * k, (box | k) != 0);
  wgmma_commit();
}

/// The values of step 0's residual, if there is one.
template <int kV>
__device__ __forceinline__ void read_residual(u32 from, Residuals<kV>& residuals) {
  if constexpr (kHasResidual) {
    u32(&w)[4] = residuals.step0.words;
    asm volatile("ld.shared.v4.b32 {%0,%1,%2,%3}, [%4];"
                 : "=r"(w[0]), "=r"(w[1]), "=r"(w[2]), "=r"(w[3])
                 : "r"(from)
                 : "memory");
  }
}

/// A warpgroup's thread, for the epilogues.
struct Finisher {
  int warp, lane;

  /// Byte offset of a row's 16-byte granule in a box.
  __device__ __forceinline__ static u32 box_offset(int row, int column) {
    const int swizzle = kBoxCols == 128 ? row & 7 : row >> 1 & 3;
    return row * kBoxCols + (column / 16 ^ swizzle) * 16;
  }
  __device__ __forceinline__ int row(int half) const { return warp * 16 + half * 8 + lane / 4; }

  /// Outputs of box `b` into the box at `to`, which holds the residual's values if there are any.
  __device__ __forceinline__ void box(const Accumulators& acc, const Chain& chain, int b, u32 to,
                                      const StepPointers& steps) const {
#pragma unroll
    for (int chunk = 0; chunk < kBoxCols / 64; ++chunk) {
      const int column = chunk * 64 + 16 * (lane % 4);
      const SharedTable table = {chain.table() + (b * kBoxCols + chunk * 64) * 4 + lane % 4 * 16,
                                 kTableRows * 4};
      Residuals<16> residuals[2];
      u32 words[2][4];
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        read_residual(to + box_offset(row(half), column), residuals[half]);
      }
      const auto value = [&](int half, int v) {
        return acc[(chunk * 8 + v / 2) * 4 + half * 2 + v % 2];
      };
      compute_outputs<2, 16>(value, kGroupOutChannels - b * kBoxCols - column, table, residuals,
                             steps, words);
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        asm volatile(
            "st.shared.v4.b32 [%0], {%1,%2,%3,%4};" ::"r"(to + box_offset(row(half), column)),
            "r"(words[half][0]), "r"(words[half][1]), "r"(words[half][2]), "r"(words[half][3])
            : "memory");
      }
    }
  }

  /// Outputs of the second product.
  __device__ __forceinline__ void next(const NextAccumulators& acc, const Chain& chain, int tile,
                                       s64 pixels, void* y) const {
    constexpr int kRun = kNextPermutation / 4;
    s64 at[2];
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const s64 pixel = static_cast<s64>(tile) * kTileRows + row(half);
      at[half] = pixel < pixels ? pixel : -1;
    }
#pragma unroll
    for (int chunk = 0; chunk < kNextRows / kNextPermutation; ++chunk) {
      const auto value = [&](int half, int v) {
        return acc[(chunk * (kNextPermutation / 8) + v / 2) * 4 + half * 2 + v % 2];
      };
      const SharedTable table = {chain.next_table() + chunk * kNextPermutation * 4 + lane % 4 * 16,
                                 kNextRows * 4};
      finish_next<2, kRun>(value, at, chunk * kNextPermutation + kRun * (lane % 4), table, y);
    }
  }
};

/// A consuming warpgroup.
__device__ __forceinline__ void consume(const Chain& chain, const TensorMap* y_map, void* next_y,
                                        const StepPointers& steps, s64 pixels) {
  const Finisher finisher = {static_cast<int>(threadIdx.x / 32 % 4),
                             static_cast<int>(threadIdx.x % 32)};
  const bool elected = finisher.lane == 0, leader = elected && finisher.warp == 0;
  const int group_barrier = 1 + chain.consumer;
  RingPosition<kInputStages> input;
  RingPosition<kBoxStages> box;
  int previous = -1;  // the box that the second product may still be reading
  barrier_wait(chain.weights_full(), 0);
  bool next_weights_here = false;
  for (int tile = chain.first_tile(); tile < chain.tiles; tile += chain.step()) {
    Accumulators acc;
    NextAccumulators next_acc;
    barrier_wait(chain.input_full(input.stage), input.parity);
    const u32 pixels_at = chain.input(input.stage);
    multiply(acc, chain, pixels_at, 0);
#pragma unroll
    for (int b = 0; b < kBoxes; ++b) {
      const bool last = b + 1 == kBoxes;
      wgmma_wait<0>();
      if (last && elected) barrier_arrive(chain.input_empty(input.stage));
#pragma unroll
      for (int j = 0; j < kBoxCols / 2; ++j) keep_after_wait(acc[j]);
      const u32 at = chain.box(box.stage);
      if constexpr (kHasResidual) {
        barrier_wait(chain.box_full(box.stage), box.parity);
      } else {
        if (leader) copy_out_wait_read<kBoxStages - 1>();
        named_barrier_sync(group_barrier, 128);
      }
      finisher.box(acc, chain, b, at, steps);
      proxy_fence();
      named_barrier_sync(group_barrier, 128);  // every warp has seen the product before end, too
      if (leader) {
        copy_out_box_2d(y_map, at, b * kBoxCols, tile * kTileRows);
        copy_out_commit();
        if constexpr (kHasResidual) {
          copy_out_wait_read<1>();
          if (previous >= 0) barrier_arrive(chain.box_empty(previous));
        }
      }
      previous = box.stage;
      box.advance();
      if (!next_weights_here) {
        barrier_wait(chain.next_weights_full(), 0);
        next_weights_here = true;
      }
      multiply_next(next_acc, chain, at, b);
      if (!last) multiply(acc, chain, pixels_at, b + 1);
    }
    input.advance();
    wgmma_wait<0>();
#pragma unroll
    for (int j = 0; j < kNextRows / 2; ++j) keep_after_wait(next_acc[j]);
    finisher.next(next_acc, chain, tile, pixels, next_y);
  }
  if (leader) copy_out_wait();
}

}  // namespace xi

extern "C" __global__ void __launch_bounds__(xi::kThreads, 1)
    conv_chain(const __grid_constant__ xi::TensorMap x_map,
               const __grid_constant__ xi::TensorMap weight_map,
               const __grid_constant__ xi::TensorMap next_weight_map,
               const __grid_constant__ xi::TensorMap y_map,
               const __grid_constant__ xi::TensorMap residual_map, const float* multiplier,
               const float* bias, const float* next_multiplier, const float* next_bias,
               void* next_y, const xi::StepPointers steps, const int batch) {
  using namespace xi;
  let_successor_start();
  extern __shared__ u8 raw[];
  const s64 pixels = static_cast<s64>(batch) * kOutH * kOutW;
  const bool consumes = threadIdx.x < 128 * kConsumers;
  const int consumer = consumes ? threadIdx.x / 128 : threadIdx.x / 32 - 4 * kConsumers;
  const Chain chain = {(shared_address(raw) + 1023) & ~1023u, consumer,
                       static_cast<int>((pixels + kTileRows - 1) / kTileRows)};
  const bool copies = !consumes && consumer < kConsumers && threadIdx.x % 32 == 0;
  if (copies && consumer == 0) {
    initialise_barriers(chain);
    copy_weights(chain, &weight_map, &next_weight_map);
  }
  if (threadIdx.x == 0) {
    prefetch_map(&x_map);
    prefetch_map(&y_map);
    if constexpr (kHasResidual) prefetch_map(&residual_map);
  }
  fill_table<kTableRows, kPermutation>(chain.table(), multiplier, bias, kGroupRows);
  fill_table<kNextRows, kNextPermutation>(chain.next_table(), next_multiplier, next_bias,
                                          kNextRows);
  __syncthreads();
  if (consumes) {
    claim_registers<kConsumerRegisters>();
    consume(chain, &y_map, next_y, steps, pixels);
  } else {
    release_registers<kProducerRegisters>();
    if (copies) {
      wait_for_predecessor();
      produce(chain, &x_map, &residual_map);
    }
  }
}
