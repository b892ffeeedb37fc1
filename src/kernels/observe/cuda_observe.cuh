// Counts float32 values in device memory as quant::Histogram counts them in host memory: bin =
// magnitude bits >> 12, zeros, NaNs and infinities apart, exact extrema. Counts are integers, so
// the result depends on no order of blocks. One launch reads rows x channels values, `pitch` apart;
// each thread strides over them. Bound by atomics on bins in the second-level cache, not by memory.
#pragma once

#include "cuda/types.cuh"

namespace xi {

/// What is kept beside the bins. calibrate::GpuObserver reads the same layout.
struct Observation {
  u64 zeros, nans, infinities;
  s64 first_bad_sample;  ///< the lowest; at first the largest s64
  s32 low, high;         ///< extrema as ordered_bits; at first +infinity's and -infinity's
};

constexpr u32 kInfinityBits = 0x7f800000u;
constexpr int kBinShift = 12;
constexpr u32 kFullWarp = 0xffffffffu;

/// Integers in the order of the floats that they stand for.
__device__ inline s32 ordered_bits(u32 bits) {
  return static_cast<s32>(bits) < 0 ? static_cast<s32>(bits ^ 0x7fffffffu) : static_cast<s32>(bits);
}

__device__ inline u64 sum_of_warp(u32 count) {
  for (int lane = 16; lane > 0; lane /= 2) count += __shfl_xor_sync(kFullWarp, count, lane);
  return count;
}

/// What a thread has seen apart from the bins.
struct Seen {
  u32 zeros = 0, nans = 0, infinities = 0;
  s64 bad_sample = 0x7fffffffffffffffll;
  s32 low = 0x7fffffff, high = -0x7fffffff - 1;

  __device__ void add_to(Observation* out) const {
    const u64 all_zeros = sum_of_warp(zeros);
    const u64 all_nans = sum_of_warp(nans), all_infinities = sum_of_warp(infinities);
    s32 lowest = low, highest = high;
    for (int lane = 16; lane > 0; lane /= 2) {
      lowest = min(lowest, __shfl_xor_sync(kFullWarp, lowest, lane));
      highest = max(highest, __shfl_xor_sync(kFullWarp, highest, lane));
    }
    if (nans + infinities > 0) atomicMin(&out->first_bad_sample, bad_sample);
    if (threadIdx.x % 32 != 0) return;
    if (all_zeros > 0) atomicAdd(&out->zeros, all_zeros);
    if (all_nans > 0) atomicAdd(&out->nans, all_nans);
    if (all_infinities > 0) atomicAdd(&out->infinities, all_infinities);
    atomicMin(&out->low, lowest);
    atomicMax(&out->high, highest);
  }
};

}  // namespace xi

/// `channel_amax` (magnitude bits by channel) may be null. A sample has `sample_size` values.
extern "C" __global__ void __launch_bounds__(256)
    observe_values(const float* values, xi::u64 rows, xi::u32 channels, xi::u64 pitch,
                   xi::u64 sample_size, xi::s64 first_sample, xi::u32* bins, xi::Observation* out,
                   xi::u32* channel_amax) {
  using namespace xi;
  Seen seen;
  const u64 size = rows * channels;
  const u64 stride = static_cast<u64>(gridDim.x) * blockDim.x;
  for (u64 i = static_cast<u64>(blockIdx.x) * blockDim.x + threadIdx.x; i < size; i += stride) {
    const u64 row = i / channels;
    const u32 channel = static_cast<u32>(i - row * channels);
    const u32 bits = __float_as_uint(values[row * pitch + channel]);
    const u32 magnitude = bits & 0x7fffffffu;
    if (magnitude >= kInfinityBits) {
      ++(magnitude == kInfinityBits ? seen.infinities : seen.nans);
      seen.bad_sample = min(seen.bad_sample, first_sample + static_cast<s64>(i / sample_size));
      continue;
    }
    const s32 ordered = magnitude == 0 ? 0 : ordered_bits(bits);
    seen.low = min(seen.low, ordered);
    seen.high = max(seen.high, ordered);
    if (magnitude == 0) {
      ++seen.zeros;
    } else {
      atomicAdd(&bins[magnitude >> kBinShift], 1u);
    }
    if (channel_amax != nullptr && magnitude > channel_amax[channel]) {
      atomicMax(&channel_amax[channel], magnitude);
    }
  }
  seen.add_to(out);
}
