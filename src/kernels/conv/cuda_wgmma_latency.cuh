// Convolution on wgmma (sm_90a) for small batches, where the time of one tile is the time of the
// layer. Groups = 1.
//
//   acc[p, n] = sum over taps and channels of x[pixel(p, tap), c] * w[n, tap, c];  y =
//   epilogue(acc)
//
// A tile is 64 pixels times kTileN weight rows; kSplit blocks of a cluster share its K, and
// kWarpgroups warpgroups share a block's part. The whole part lies in shared memory at once:
// weights are requested before the preceding kernel ends, activations right after. Partial sums
// meet in the shared memory of the block that owns the rows (integers: the order does not matter).
// Grid: tiles * kSplit blocks, the cluster's blocks adjacent, channel tiles next.
//
// XI_WAITS_LATE: the preceding kernel does not write the input, so products are summed beside it,
// and only residuals and stores wait for it (KernelSpec::waits_late).
#pragma once

#include "conv/cuda_wgmma_runs.cuh"
#include "cuda/cluster.cuh"

namespace xi {

#ifdef XI_WAITS_LATE
constexpr bool kWaitsLate = true;
#else
constexpr bool kWaitsLate = false;
#endif

constexpr int kThreads = 128 * kWarpgroups;
constexpr int kSources = kSplit * kWarpgroups;  // partial sums of one output
constexpr int kTapSlices = ceil_div(kGroupGranules * 16, kTileK);
constexpr int kSlices = kKernelH * kKernelW * kTapSlices;
constexpr int kBlockSlices = ceil_div(kSlices, kSplit);  // the last block may have fewer
constexpr int kElements = kTileK / size_of(kInElem);     // of K in a slice
constexpr int kPixelBytes = 64 * kTileK;
constexpr int kStageBytes = kPixelBytes + kTileN * kTileK;

constexpr int kChunks = kTileN / kChunkCols;

// Exchange of partial sums: [source][owned row][column], rows padded against bank conflicts.
constexpr int kOwnedRows = 64 / kSplit;
constexpr int kRowWords = kTileN + 8;
constexpr int kSourceBytes = kOwnedRows * kRowWords * 4;
constexpr int kExchangeBytes = kSources > 1 ? kSources* kSourceBytes : 0;
constexpr int kFours = kTileN / 4;                               // runs of four channels in a row
constexpr int kItems = ceil_div(kOwnedRows * kFours, kThreads);  // runs that a thread finishes
constexpr bool kWholeFours = kStoredChannels % 4 == 0;

constexpr int kExchangeOffset = kBlockSlices * kStageBytes;
constexpr int kBarrierOffset = kExchangeOffset + kExchangeBytes;
static_assert(1024 + kBarrierOffset + 8 * kBlockSlices <= kSharedBytes,
              "conv_latency.cpp must reserve what the kernel uses");

/// Which tile this block computes, which part of its K, and where its structures lie.
struct Block {
  u32 base;
  int rank, m, n, slices;
  __device__ __forceinline__ explicit Block(u32 base_in) : base(base_in) {
    rank = blockIdx.x % kSplit;
    n = blockIdx.x / kSplit % kTilesN;
    m = blockIdx.x / (kSplit * kTilesN);
    slices = min(kBlockSlices, kSlices - rank * kBlockSlices);
  }
  __device__ __forceinline__ u32 pixels(int slice) const { return base + slice * kStageBytes; }
  __device__ __forceinline__ u32 weights(int slice) const { return pixels(slice) + kPixelBytes; }
  __device__ __forceinline__ u32 full(int slice) const { return base + kBarrierOffset + 8 * slice; }
  __device__ __forceinline__ u32 exchange() const { return base + kExchangeOffset; }
};

__device__ __forceinline__ void request_weights(const Block& block, const TensorMap* weight_map) {
  for (int i = 0; i < block.slices; ++i) {
    const int slice = block.rank * kBlockSlices + i;
    const int k = slice / kTapSlices * (kGroupGranules * 16 / size_of(kInElem)) +
                  slice % kTapSlices * kElements;
    barrier_expect(block.full(i), kStageBytes);
    copy_box_2d(block.weights(i), weight_map, block.full(i), k, block.n * kTileN);
  }
}

__device__ __forceinline__ void request_pixels(const Block& block, const TensorMap* x_map) {
  const int first = block.m * 64;
  const int image = first / (kOutH * kOutW), in_image = first % (kOutH * kOutW);
  const int y = in_image / kOutW * kStrideH - kPadTop, x = in_image % kOutW * kStrideW - kPadLeft;
  for (int i = 0; i < block.slices; ++i) {
    const int slice = block.rank * kBlockSlices + i;
    const int tap = slice / kTapSlices, channel = slice % kTapSlices * kElements;
    if constexpr (kIm2col) {
      copy_im2col(block.pixels(i), x_map, block.full(i), channel, x, y, image,
                  static_cast<u16>(tap % kKernelW * kDilationW),
                  static_cast<u16>(tap / kKernelW * kDilationH));
    } else {
      copy_box_2d(block.pixels(i), x_map, block.full(i), channel, first);
    }
  }
}

/// This warpgroup's slices.
__device__ __forceinline__ void multiply(Fragment (&acc)[kTileN / 2], const Block& block,
                                         int warpgroup) {
#pragma unroll
  for (int i = 0; i < kTileN / 2; ++i) acc[i] = 0;
#pragma unroll 1
  for (int i = warpgroup; i < block.slices; i += kWarpgroups) {
    barrier_wait(block.full(i), 0);
    const u64 a = wgmma_descriptor<kTileK>(block.pixels(i));
    const u64 b = wgmma_descriptor<kTileK>(block.weights(i));
    wgmma_fence();
#pragma unroll
    for (int k = 0; k < kTileK / 32; ++k) wgmma(acc, a + 2 * k, b + 2 * k, true);
    wgmma_commit();
  }
  wgmma_wait<0>();
#pragma unroll
  for (int i = 0; i < kTileN / 2; ++i) keep_after_wait(acc[i]);
}

/// What a thread finishes when no sums are exchanged: two rows of its own accumulators.
template <int kV>
struct OwnRows {
  float4 multiplier[kChunks][kV / 4], bias[kChunks][kV / 4];
  Residuals<kV> residuals[kChunks][2];
  s64 pixel[2];
  int channel[kChunks];

  struct Table {
    const float4* m;
    const float4* b;
    __device__ __forceinline__ float4 multiplier_of(int four) const { return m[four]; }
    __device__ __forceinline__ float4 bias_of(int four) const { return b[four]; }
  };

  __device__ __forceinline__ void locate(const Block& block, s64 pixels) {
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    const s64 first = static_cast<s64>(block.m) * 64 + warp * 16 + lane / 4;
    pixel[0] = first < pixels ? first : -1;
    pixel[1] = first + 8 < pixels ? first + 8 : -1;
#pragma unroll
    for (int c = 0; c < kChunks; ++c) {
      channel[c] = run_start(block.n * kTileN + c * kChunkCols, lane % 4);
    }
  }
  __device__ __forceinline__ void load_table(const float* multipliers, const float* biases) {
#pragma unroll
    for (int c = 0; c < kChunks; ++c) {
      const int row = min(channel[c], kGroupRows - kV);
#pragma unroll
      for (int f = 0; f < kV / 4; ++f) {
        if constexpr (kScaled) {
          multiplier[c][f] = __ldg(reinterpret_cast<const float4*>(multipliers + row) + f);
        }
        bias[c][f] = __ldg(reinterpret_cast<const float4*>(biases + row) + f);
      }
    }
  }
  __device__ __forceinline__ void load_residuals(const StepPointers& steps) {
#pragma unroll
    for (int c = 0; c < kChunks; ++c) {
#pragma unroll
      for (int h = 0; h < 2; ++h) {
        if (pixel[h] < 0 || channel[c] >= kStoredChannels) continue;
        residuals[c][h].template load<kWholeRuns>(steps, pixel[h], channel[c],
                                                  kStoredChannels - channel[c]);
      }
    }
  }
  __device__ __forceinline__ void finish(const Fragment (&acc)[kTileN / 2], const Block&, int,
                                         void* y, const StepPointers& steps) {
#pragma unroll
    for (int c = 0; c < kChunks; ++c) {
      if (channel[c] >= kStoredChannels) continue;
      const auto value = [&](int half, int v) {
        return acc[(c * (kChunkCols / 8) + v / 2) * 4 + half * 2 + v % 2];
      };
      u32 words[2][kOutWords<kV>];
      compute_outputs<2, kV>(value, kGroupOutChannels - channel[c], Table{multiplier[c], bias[c]},
                             residuals[c], steps, words);
#pragma unroll
      for (int h = 0; h < 2; ++h) {
        if (pixel[h] < 0) continue;
        store_outputs<kV, kWholeRuns>(y, pixel[h], channel[c], kStoredChannels - channel[c],
                                      words[h]);
      }
    }
  }
};

/// Stores two words to the shared memory of a block of the cluster.
__device__ __forceinline__ void store_pair(u32 local, int rank, u32 first, u32 second) {
  if constexpr (kSplit == 1) {
    asm volatile("st.shared.v2.b32 [%0], {%1, %2};" ::"r"(local), "r"(first), "r"(second)
                 : "memory");
  } else {
    u32 remote;
    asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(remote) : "r"(local), "r"(rank));
    asm volatile("st.shared::cluster.v2.b32 [%0], {%1, %2};" ::"r"(remote), "r"(first), "r"(second)
                 : "memory");
  }
}

/// Writes this warpgroup's partial sums to the blocks that own the rows.
__device__ __forceinline__ void send_sums(const Fragment (&acc)[kTileN / 2], const Block& block,
                                          int warpgroup) {
  const int warp = threadIdx.x / 32 % 4, lane = threadIdx.x % 32;
  const int source = block.rank * kWarpgroups + warpgroup;
#pragma unroll
  for (int h = 0; h < 2; ++h) {
    const int row = warp * 16 + h * 8 + lane / 4;
    const u32 local = block.exchange() + source * kSourceBytes +
                      (row % kOwnedRows * kRowWords + 2 * (lane % 4)) * 4;
#pragma unroll
    for (int j = 0; j < kTileN / 8; ++j) {
      store_pair(local + j * 32, row / kOwnedRows, fragment_bits(acc[j * 4 + h * 2]),
                 fragment_bits(acc[j * 4 + h * 2 + 1]));
    }
  }
}

/// Runs of four channels that a thread finishes from exchanged sums.
struct OwnedRuns {
  float4 multiplier[kItems], bias[kItems];
  Residuals<4> residuals[kItems];
  s64 pixel[kItems];  // negative: none
  int channel[kItems];

  struct Table {
    float4 m, b;
    __device__ __forceinline__ float4 multiplier_of(int) const { return m; }
    __device__ __forceinline__ float4 bias_of(int) const { return b; }
  };

  __device__ __forceinline__ void locate(const Block& block, s64 pixels) {
#pragma unroll
    for (int i = 0; i < kItems; ++i) {
      const int item = threadIdx.x + i * kThreads, row = item / kFours, run = item % kFours;
      const int chunk = run / (kChunkCols / 4), in_chunk = run % (kChunkCols / 4);
      constexpr int kPerQuad = kChunkChannels / 4;
      channel[i] = run_start(block.n * kTileN + chunk * kChunkCols, in_chunk / kPerQuad) +
                   in_chunk % kPerQuad * 4;
      const s64 p = static_cast<s64>(block.m) * 64 + block.rank * kOwnedRows + row;
      pixel[i] = row < kOwnedRows && p < pixels && channel[i] < kStoredChannels ? p : -1;
    }
  }
  __device__ __forceinline__ void load_table(const float* multipliers, const float* biases) {
#pragma unroll
    for (int i = 0; i < kItems; ++i) {
      const GlobalTable table = {multipliers + min(channel[i], kGroupRows - 4),
                                 biases + min(channel[i], kGroupRows - 4)};
      if constexpr (kScaled) multiplier[i] = table.multiplier_of(0);
      bias[i] = table.bias_of(0);
    }
  }
  __device__ __forceinline__ void load_residuals(const StepPointers& steps) {
#pragma unroll
    for (int i = 0; i < kItems; ++i) {
      if (pixel[i] < 0) continue;
      residuals[i].template load<kWholeFours>(steps, pixel[i], channel[i],
                                              kStoredChannels - channel[i]);
    }
  }
  __device__ __forceinline__ void finish(const Fragment (&acc)[kTileN / 2], const Block& block,
                                         int warpgroup, void* y, const StepPointers& steps) {
    wait_for_starts<kSplit>();
    send_sums(acc, block, warpgroup);
    meet<kSplit>();
#pragma unroll
    for (int i = 0; i < kItems; ++i) {
      if (pixel[i] < 0) continue;
      const int item = threadIdx.x + i * kThreads, row = item / kFours, run = item % kFours;
      const int chunk = run / (kChunkCols / 4), in_chunk = run % (kChunkCols / 4);
      constexpr int kPerQuad = kChunkChannels / 4;
      // Channels 4 f … 4 f + 3 of quad q are columns 8 (2 f) + 2 q, + 1 and 8 (2 f + 1) + 2 q, + 1.
      const int column = chunk * kChunkCols + in_chunk % kPerQuad * 16 + in_chunk / kPerQuad * 2;
      Fragment sum[4] = {};
#pragma unroll
      for (int source = 0; source < kSources; ++source) {
        const u32 at = block.exchange() + source * kSourceBytes + (row * kRowWords + column) * 4;
        u32 w[4];
        asm volatile("ld.shared.v2.b32 {%0, %1}, [%2];" : "=r"(w[0]), "=r"(w[1]) : "r"(at));
        asm volatile("ld.shared.v2.b32 {%0, %1}, [%2];" : "=r"(w[2]), "=r"(w[3]) : "r"(at + 32));
#pragma unroll
        for (int v = 0; v < 4; ++v) sum[v] += fragment_of<Fragment>(w[v]);
      }
      u32 words[1][kOutWords<4>];
      const auto value = [&](int, int v) { return sum[v]; };
      compute_outputs<1, 4>(value, kGroupOutChannels - channel[i], Table{multiplier[i], bias[i]},
                            reinterpret_cast<const Residuals<4>(&)[1]>(residuals[i]), steps, words);
      store_outputs<4, kWholeFours>(y, pixel[i], channel[i], kStoredChannels - channel[i],
                                    words[0]);
    }
  }
};

template <bool kExchanged>
struct OwnOutputs {
  using Type = OwnRows<kChunkChannels>;
};
template <>
struct OwnOutputs<true> {
  using Type = OwnedRuns;
};
/// What a thread finishes.
using Own = typename OwnOutputs<(kSources > 1)>::Type;

}  // namespace xi

extern "C" __global__ void __launch_bounds__(xi::kThreads)
    conv_wgmma_latency(const __grid_constant__ xi::TensorMap x_map,
                       const __grid_constant__ xi::TensorMap weight_map, const float* multiplier,
                       const float* bias, void* y, const xi::StepPointers steps, const int batch) {
  using namespace xi;
  extern __shared__ u8 raw[];
  const Block block((shared_address(raw) + 1023) & ~1023u);
  if (threadIdx.x == 32) prefetch_map(&x_map);
  if (threadIdx.x == 0) {
    for (int i = 0; i < block.slices; ++i) barrier_init(block.full(i), 1);
    barrier_init_fence();
    request_weights(block, &weight_map);
  }
  const s64 pixels = static_cast<s64>(batch) * kOutH * kOutW;
  const int warpgroup = threadIdx.x / 128;
  Fragment acc[kTileN / 2];
  Own own;
  own.locate(block, pixels);
  own.load_table(multiplier, bias);
  __syncthreads();  // the barriers are ready
  announce_start<kSplit>();
  if constexpr (!kWaitsLate) wait_for_predecessor();
  if (threadIdx.x == 0) request_pixels(block, &x_map);
  let_successor_start();
  if constexpr (!kWaitsLate) own.load_residuals(steps);
  multiply(acc, block, warpgroup);
  if constexpr (kWaitsLate) {
    wait_for_predecessor();
    own.load_residuals(steps);
  }
  own.finish(acc, block, warpgroup, y, steps);
}
