// The persistent wgmma convolution's epilogue: its table, and how a thread finishes its part of a
// tile.
#pragma once

#include "conv/cuda_wgmma_tiles.cuh"

namespace xi {

/// Copies multiplier and bias to shared memory in SharedTable's order: within a chunk, group of
/// four `four` of lane quad `quad` goes to slot 4 * four + quad. The consuming threads do it while
/// the first slices come.
__device__ __forceinline__ void fill_table(const SharedLayout& shared, const float* multiplier,
                                           const float* bias) {
  const int first_row = kResident ? blockIdx.x % kTilesN * kTileN : 0;
  for (int i = threadIdx.x; i < kTableRows / 4; i += 128 * kConsumers) {
    const int chunk = i / (kChunkCols / 4), slot = i % (kChunkCols / 4);
    const int row = run_start(first_row + chunk * kChunkCols, slot % 4) + slot / 4 * 4;
    float4 m = {}, b = {};
    if (row < kGroupRows) {
      if constexpr (kScaled) m = __ldg(reinterpret_cast<const float4*>(multiplier + row));
      b = __ldg(reinterpret_cast<const float4*>(bias + row));
    }
    const u32 to = shared.table() + i * 16;
    asm volatile("st.shared.v4.f32 [%0], {%1,%2,%3,%4};" ::"r"(to), "f"(m.x), "f"(m.y), "f"(m.z),
                 "f"(m.w)
                 : "memory");
    asm volatile("st.shared.v4.f32 [%0], {%1,%2,%3,%4};" ::"r"(to + kTableRows * 4), "f"(b.x),
                 "f"(b.y), "f"(b.z), "f"(b.w)
                 : "memory");
  }
}

/// What one thread needs for its epilogues.
struct Finisher {
  SharedLayout shared;
  const float* multiplier;
  const float* bias;
  void* y;
  StepPointers steps;
  s64 pixels;
  int warpgroup, sub, warp, lane;

  /// Byte offset of a row's 16-byte granule in a staged tile.
  __device__ __forceinline__ u32 staged_offset(int row, int column) const {
    const int box = column / kBoxCols, granule = column % kBoxCols / 16;
    const int swizzle = kBoxCols == 128 ? row & 7 : row >> 1 & 3;
    return box * kWarpgroupRows * kBoxCols + row * kBoxCols + ((granule ^ swizzle) * 16);
  }

  /// Finishes the tile with stores from registers, kRows rows at a time.
  template <int kRows>
  __device__ __forceinline__ void direct(const Fragment (&acc)[kBlocksM][kTileN / 2], int m,
                                         int n) const {
    const s64 first = static_cast<s64>(m) * kTileM + sub * kWarpgroupRows + warp * 16 + lane / 4;
#pragma unroll
    for (int part = 0; part < 2 * kBlocksM / kRows; ++part) {
      s64 rows[kRows];
#pragma unroll
      for (int i = 0; i < kRows; ++i) {
        const int r = part * kRows + i;
        const s64 p = first + r / 2 * 64 + r % 2 * 8;
        rows[i] = p < pixels ? p : -1;
      }
#pragma unroll
      for (int chunk = 0; chunk < kChunks; ++chunk) {
        const int channel = channel_of(n, chunk);
        const auto value = [&](int i, int v) {
          const int r = part * kRows + i;
          return acc[r / 2][(chunk * (kChunkCols / 8) + v / 2) * 4 + r % 2 * 2 + v % 2];
        };
        if constexpr (kTableInShared) {
          finish_tile<kRows, kChunkChannels, kWholeRuns>(value, rows, channel, 0, kStoredChannels,
                                                         kGroupOutChannels, shared_table(n, chunk),
                                                         y, steps);
        } else {
          const int row = min(channel, kGroupRows - kChunkChannels);
          finish_tile<kRows, kChunkChannels, kWholeRuns>(
              value, rows, channel, 0, kStoredChannels, kGroupOutChannels,
              GlobalTable{multiplier + row, bias + row}, y, steps);
        }
      }
    }
  }

  __device__ __forceinline__ int channel_of(int n, int chunk) const {
    return run_start(n * kTileN + chunk * kChunkCols, lane % 4);
  }
  __device__ __forceinline__ SharedTable shared_table(int n, int chunk) const {
    const int row = (kResident ? 0 : n * kTileN) + chunk * kChunkCols;
    return {shared.table() + row * 4 + lane % 4 * 16, kTableRows * 4};
  }

  /// Outputs through shared memory; residuals from there if they were brought. `stage` is the
  /// staged tile of this warpgroup.
  template <bool kRing, int kV>
  __device__ __forceinline__ void staged(const Fragment (&acc)[kBlocksM][kTileN / 2], int m, int n,
                                         u32 stage) const {
    constexpr int kRows = min_of(4, 2 * kBlocksM);  // at once, for the sake of registers
#pragma unroll
    for (int part = 0; part < 2 * kBlocksM / kRows; ++part) {
#pragma unroll
      for (int chunk = 0; chunk < kChunks; ++chunk) {
        const int column = chunk * kChunkCols + kChunkChannels * (lane % 4);
        Residuals<kV> residuals[kRows];
        u32 words[kRows][kOutWords<kV>];
        u32 address[kRows];
#pragma unroll
        for (int i = 0; i < kRows; ++i) {
          const int r = part * kRows + i;
          address[i] = stage + staged_offset(r / 2 * 64 + warp * 16 + r % 2 * 8 + lane / 4, column);
          if constexpr (kRing) {
            u32(&w)[4] = residuals[i].step0.words;
            asm volatile("ld.shared.v4.b32 {%0,%1,%2,%3}, [%4];"
                         : "=r"(w[0]), "=r"(w[1]), "=r"(w[2]), "=r"(w[3])
                         : "r"(address[i])
                         : "memory");
          } else if constexpr (kStepCount > 0) {
            const s64 pixel = static_cast<s64>(m) * kTileM + sub * kWarpgroupRows + r / 2 * 64 +
                              warp * 16 + r % 2 * 8 + lane / 4;
            const int channel = channel_of(n, chunk), limit = kStoredChannels - channel;
            if (pixel < pixels && limit > 0) {
              residuals[i].template load<kWholeRuns>(steps, pixel, channel, limit);
            }
          }
        }
        const auto value = [&](int i, int v) {
          const int r = part * kRows + i;
          return acc[r / 2][(chunk * (kChunkCols / 8) + v / 2) * 4 + r % 2 * 2 + v % 2];
        };
        compute_outputs<kRows, kV>(value, kGroupOutChannels - channel_of(n, chunk),
                                   shared_table(n, chunk), residuals, steps, words);
#pragma unroll
        for (int i = 0; i < kRows; ++i) {
          asm volatile("st.shared.v4.b32 [%0], {%1,%2,%3,%4};" ::"r"(address[i]), "r"(words[i][0]),
                       "r"(words[i][1]), "r"(words[i][2]), "r"(words[i][3])
                       : "memory");
        }
      }
    }
  }

  /// Sends the staged tile off. One thread of the warpgroup copies.
  __device__ __forceinline__ void send(const TensorMap* y_map, int m, int n, u32 stage) const {
    proxy_fence();
    named_barrier_sync(kStagingBarrier + warpgroup, 128);
    if (warp != 0 || lane != 0) return;
#pragma unroll
    for (int box = 0; box < kTileN / kBoxCols; ++box) {
      copy_out_box_2d(y_map, stage + box * kWarpgroupRows * kBoxCols, n * kTileN + box * kBoxCols,
                      m * kTileM + sub * kWarpgroupRows);
    }
    copy_out_commit();
  }

  static constexpr int kTurnBarrier = 1;
  static constexpr int kStagingBarrier = 1 + kTurns;
  static constexpr int kTableBarrier = 1 + kTurns + kConsumers;
};

}  // namespace xi
