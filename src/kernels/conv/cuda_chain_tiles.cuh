// The chain kernel's division of work: constants, shared memory, walk over tiles.
#pragma once

#include "cuda/epilogue.cuh"
#include "cuda/ptx_sm90.cuh"
#include "layer.cuh"

namespace xi {

using namespace layer;

constexpr int kThreads = (kConsumers + 1) * 128;
constexpr int kTileRows = 64;  // pixels of a tile: the rows of one warpgroup's products
constexpr int kSlices = ceil_div(kGroupGranules * 16, kTileK);  // of the first product's K
constexpr int kSliceBytes = kTileRows * kTileK;
constexpr int kInputBytes = kSlices * kSliceBytes;

// A box is a tile's kBoxCols channels between the products: columns of the first, K of the second.
constexpr int kBoxes = ceil_div(kGroupRows, kBoxCols);
constexpr int kBoxBytes = kTileRows * kBoxCols;
constexpr bool kHasResidual = is_residual<0>();

constexpr int kWeightBytes = kBoxCols * kTileK;         // of a box and slice
constexpr int kNextWeightBytes = kNextRows * kBoxCols;  // of a box

constexpr int kTableRows = kBoxes * kBoxCols;

// Shared memory, from a base aligned to 1,024 bytes (the swizzle's period).
constexpr int kNextWeightOffset = kBoxes * kSlices * kWeightBytes;
constexpr int kInputOffset = kNextWeightOffset + kBoxes * kNextWeightBytes;
constexpr int kBoxOffset = kInputOffset + kConsumers * kInputStages * kInputBytes;
constexpr int kTableOffset = kBoxOffset + kConsumers * kBoxStages * kBoxBytes;
constexpr int kNextTableOffset = kTableOffset + kTableRows * 8;
constexpr int kBarrierOffset = kNextTableOffset + kNextRows * 8;
constexpr int kConsumerBarriers = 2 * (kInputStages + kBoxStages);
constexpr int kBarriers = 2 + kConsumers * kConsumerBarriers;
static_assert(1024 + kBarrierOffset + 8 * kBarriers <= kSharedBytes,
              "conv_chain.cpp must reserve what the kernel uses");
static_assert(kPermutation == 64 && kBoxCols % kPermutation == 0, "16 channels a thread");
static_assert(kConsumers <= 4, "one copying warp for each");

// setmaxnreg shares out what the block was given at launch.
constexpr int kLaunchRegisters = 65536 / kThreads / 8 * 8;
constexpr int kProducerRegisters = kConsumers > 2 ? 24 : 40;
constexpr int kConsumerRegisters =
    min_of(240, (kLaunchRegisters * (kConsumers + 1) - kProducerRegisters) / kConsumers / 8 * 8);

/// Shared addresses of the block's structures, and the tiles of consumer `consumer`.
struct Chain {
  u32 base;
  int consumer, tiles;

  __device__ __forceinline__ u32 weights(int box, int slice) const {
    return base + (box * kSlices + slice) * kWeightBytes;
  }
  __device__ __forceinline__ u32 next_weights(int box) const {
    return base + kNextWeightOffset + box * kNextWeightBytes;
  }
  __device__ __forceinline__ u32 input(int stage) const {
    return base + kInputOffset + (consumer * kInputStages + stage) * kInputBytes;
  }
  __device__ __forceinline__ u32 box(int stage) const {
    return base + kBoxOffset + (consumer * kBoxStages + stage) * kBoxBytes;
  }
  __device__ __forceinline__ u32 table() const { return base + kTableOffset; }
  __device__ __forceinline__ u32 next_table() const { return base + kNextTableOffset; }

  __device__ __forceinline__ u32 weights_full() const { return base + kBarrierOffset; }
  __device__ __forceinline__ u32 next_weights_full() const { return weights_full() + 8; }
  __device__ __forceinline__ u32 barrier(int index) const {
    return weights_full() + 8 * (2 + consumer * kConsumerBarriers + index);
  }
  __device__ __forceinline__ u32 input_full(int stage) const { return barrier(stage); }
  __device__ __forceinline__ u32 input_empty(int stage) const {
    return barrier(kInputStages + stage);
  }
  __device__ __forceinline__ u32 box_full(int stage) const {
    return barrier(2 * kInputStages + stage);
  }
  __device__ __forceinline__ u32 box_empty(int stage) const {
    return barrier(2 * kInputStages + kBoxStages + stage);
  }

  /// Blocks first, so that few tiles spread over all multiprocessors.
  __device__ __forceinline__ int first_tile() const { return consumer * gridDim.x + blockIdx.x; }
  __device__ __forceinline__ int step() const { return kConsumers * gridDim.x; }
};

/// Position in a ring.
template <int kStages>
struct RingPosition {
  int stage = 0;
  u32 parity = 0;
  __device__ __forceinline__ void advance() {
    if (++stage == kStages) {
      stage = 0;
      parity ^= 1;
    }
  }
};

/// Copies multiplier and bias to shared memory in SharedTable's order, kTablePermutation columns
/// after each other; rows behind the `rows` that exist get zeros.
template <int kCount, int kTablePermutation>
__device__ __forceinline__ void fill_table(u32 table, const float* multiplier, const float* bias,
                                           int rows) {
  for (int i = threadIdx.x; i < kCount / 4; i += kThreads) {
    const int chunk = i / (kTablePermutation / 4), slot = i % (kTablePermutation / 4);
    const int row = chunk * kTablePermutation + kTablePermutation / 4 * (slot % 4) + slot / 4 * 4;
    float4 m = {}, b = {};
    if (row < rows) {
      m = __ldg(reinterpret_cast<const float4*>(multiplier + row));
      b = __ldg(reinterpret_cast<const float4*>(bias + row));
    }
    const u32 to = table + i * 16;
    asm volatile("st.shared.v4.f32 [%0], {%1,%2,%3,%4};" ::"r"(to), "f"(m.x), "f"(m.y), "f"(m.z),
                 "f"(m.w)
                 : "memory");
    asm volatile("st.shared.v4.f32 [%0], {%1,%2,%3,%4};" ::"r"(to + kCount * 4), "f"(b.x), "f"(b.y),
                 "f"(b.z), "f"(b.w)
                 : "memory");
  }
}

}  // namespace xi
