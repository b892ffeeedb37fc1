// What kernels share that give a warp to every row of the last axis.
#pragma once

#include "cuda/run.cuh"
#include "layer.cuh"

namespace xi {

using layer::kWarpsOfBlock;

// A lane owns every 32nd run of kRowRun elements of its row: runs are loaded and stored as vectors
// of up to 16 bytes where pitches and types allow.
using layer::kRowRun;
constexpr int kRowRuns = ceil_div(layer::kOutPitch, 32 * kRowRun);
constexpr bool kRowKept = kRowRuns * kRowRun <= 64;  // a lane's part of a row fits in registers
constexpr int kRowUnroll = kRowKept ? kRowRuns : 1;

/// The row of this warp; -1 behind the last one.
__device__ __forceinline__ s64 row_of_warp(int batch) {
  const s64 row = static_cast<s64>(blockIdx.x) * kWarpsOfBlock + threadIdx.x / 32;
  return row < static_cast<s64>(batch) * layer::kRowsOfImage ? row : -1;
}

__device__ __forceinline__ float sum_of_warp(float value) {
#pragma unroll
  for (int distance = 16; distance > 0; distance /= 2) {
    value += __shfl_xor_sync(0xffffffffu, value, distance);
  }
  return value;
}

__device__ __forceinline__ float max_of_warp(float value) {
#pragma unroll
  for (int distance = 16; distance > 0; distance /= 2) {
    value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, distance));
  }
  return value;
}

/// First element of a lane's run number `run`.
__device__ __forceinline__ int run_begin(int run) {
  return (run * 32 + static_cast<int>(threadIdx.x % 32)) * kRowRun;
}

/// Values of a float32 table for the run that begins at `begin`; zeros behind the row's end.
__device__ __forceinline__ void load_table_run(const float* table, int begin,
                                               float (&values)[kRowRun]) {
  if constexpr (kRowRun > 1) {
    if (begin + kRowRun <= layer::kLength) {
      u32 words[kRowRun];
      load_words<4 * kRowRun, 16>(table + begin, words);
#pragma unroll
      for (int i = 0; i < kRowRun; ++i) values[i] = __uint_as_float(words[i]);
      return;
    }
  }
#pragma unroll
  for (int i = 0; i < kRowRun; ++i) {
    values[i] = begin + i < layer::kLength ? __ldg(table + begin + i) : 0.0f;
  }
}

/// A lane's part of a row, in registers where the row is short, else read again each time.
template <int kRun>
struct RowPartOf {
  const void* x;
  s64 first;
  float kept[kRowUnroll][kRun];

  __device__ __forceinline__ RowPartOf(const void* x_in, s64 row)
      : x(x_in), first(row * layer::kInPitch) {
    if constexpr (kRowKept) {
#pragma unroll
      for (int run = 0; run < kRowRuns; ++run) load(run, kept[run]);
    }
  }

  __device__ __forceinline__ void load(int run, float (&values)[kRun]) const {
    const int begin = run_begin(run);
    if constexpr (kRun > 1) {
      constexpr int kBytes = kRun * size_of(layer::kInElem);
      if (begin + kRun <= layer::kLength) {
        u32 words[kBytes / 4];
        load_words<kBytes, min_of(16, kBytes)>(
            static_cast<const u8*>(x) + (first + begin) * size_of(layer::kInElem), words);
#pragma unroll
        for (int i = 0; i < kRun; ++i) values[i] = element<layer::kInElem>(words, i);
        return;
      }
    }
#pragma unroll
    for (int i = 0; i < kRun; ++i) {
      values[i] =
          begin + i < layer::kLength ? load_element<layer::kInElem>(x, first + begin + i) : 0.0f;
    }
  }

  /// visit(value) for the lane's real elements.
  template <typename Visit>
  __device__ __forceinline__ void for_each(const Visit& visit) const {
#pragma unroll kRowUnroll
    for (int run = 0; run < kRowRuns; ++run) {
      float values[kRun];
      get(run, values);
#pragma unroll
      for (int i = 0; i < kRun; ++i) {
        if (run_begin(run) + i < layer::kLength) visit(values[i]);
      }
    }
  }

  __device__ __forceinline__ void get(int run, float (&values)[kRun]) const {
    if constexpr (kRowKept) {
#pragma unroll
      for (int i = 0; i < kRun; ++i) values[i] = kept[run][i];
    } else {
      load(run, values);
    }
  }

  /// Stores what change(run, values) makes of every run; INT8 is quantised by true division.
  /// Elements behind the last become zeros.
  template <typename Change>
  __device__ __forceinline__ void store(void* y, s64 row, const Change& change) const {
#pragma unroll kRowUnroll
    for (int run = 0; run < kRowRuns; ++run) {
      float values[kRun];
      get(run, values);
      const int begin = run_begin(run);
      change(run, values);
#pragma unroll
      for (int i = 0; i < kRun; ++i) {
        if constexpr (is_int8(layer::kOutElem)) values[i] = __fdiv_rn(values[i], layer::kScale);
        if (begin + i >= layer::kLength) values[i] = 0.0f;
      }
      store_values(y, row * layer::kOutPitch, begin, values);
    }
  }

  __device__ __forceinline__ static void store_values(void* y, s64 first_out, int begin,
                                                      const float (&values)[kRun]) {
    if constexpr (kRun > 1) {
      constexpr int kBytes = kRun * size_of(layer::kOutElem);
      if (begin + kRun > layer::kOutPitch) return;  // pitches are multiples of kRun
      u32 words[kBytes / 4];
      pack_values(values, words);
      store_words<kBytes, min_of(16, kBytes)>(
          static_cast<u8*>(y) + (first_out + begin) * size_of(layer::kOutElem), words);
    } else {
      if (begin < layer::kOutPitch) {
        store_element<layer::kOutElem>(y, first_out + begin, values[0]);
      }
    }
  }

  template <int kWords>
  __device__ __forceinline__ static void pack_values(const float (&values)[kRun],
                                                     u32 (&words)[kWords]) {
#pragma unroll
    for (int w = 0; w < kWords; ++w) {
      if constexpr (layer::kOutElem == Elem::kF32) {
        words[w] = __float_as_uint(values[w]);
      } else if constexpr (layer::kOutElem == Elem::kF16) {
        words[w] = pack_halves(values[2 * w], values[2 * w + 1]);
      } else {
        words[w] = pack_saturated<layer::kOutElem>(quantised<layer::kOutElem>(values[4 * w]),
                                                   quantised<layer::kOutElem>(values[4 * w + 1]),
                                                   quantised<layer::kOutElem>(values[4 * w + 2]),
                                                   quantised<layer::kOutElem>(values[4 * w + 3]));
      }
    }
  }
};
using RowPart = RowPartOf<kRowRun>;

}  // namespace xi
