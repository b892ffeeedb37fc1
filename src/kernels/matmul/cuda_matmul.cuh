// Products of two operands that are both computed at run time, a plain tiled GEMM:
//   y[m, n] = epilogue(sum over k of a[m, k] * b[k, n])
// for every image and batch axis. Float sums are one FMA chain over k, as on the CPU; INT8 sums are
// exact. A block computes 64 x 64 outputs, a thread 4 x 4; slices of 16 of k go through shared
// memory. Grid: images * batch axes * row tiles * column tiles, column tiles fastest.
#pragma once

#include "cuda/epilogue.cuh"
#include "cuda/run.cuh"
#include "layer.cuh"

namespace xi {

using namespace layer;

constexpr int kThreads = 256;
constexpr int kTile = 64;
constexpr int kSlice = 16;
constexpr int kTilesM = ceil_div(kM, kTile), kTilesN = ceil_div(kN, kTile);
constexpr bool kWholeRuns = kOutPitch % 4 == 0;

template <bool kInt8>
struct Number {
  using Type = float;
  static __device__ __forceinline__ float multiply_add(float a, float b, float sum) {
    return __fmaf_rn(a, b, sum);
  }
};
template <>
struct Number<true> {
  using Type = int;
  static __device__ __forceinline__ int multiply_add(int a, int b, int sum) { return a * b + sum; }
};
using Sum = Number<is_int8(kAElem)>;
using Value = Sum::Type;

template <Elem kElem>
__device__ __forceinline__ Value load_value(const void* base, s64 index) {
  if constexpr (is_int8(kElem)) {
    return kElem == Elem::kU8 ? static_cast<const u8*>(base)[index]
                              : static_cast<const s8*>(base)[index];
  } else {
    return load_element<kElem>(base, index);
  }
}

/// Where the matrices of batch index `outer` begin.
struct Bases {
  s64 a = 0, b = 0;
};

template <int kAxis>
__device__ __forceinline__ void follow(int outer, Bases& bases) {
  if constexpr (kAxis >= 0) {
    constexpr OuterAxis kSpec = kAxes[kAxis];
    const s64 position = outer % kSpec.size;
    bases.a += position * kSpec.a;
    bases.b += position * kSpec.b;
    follow<kAxis - 1>(outer / static_cast<int>(kSpec.size), bases);
  }
}

}  // namespace xi

extern "C" __global__ void __launch_bounds__(xi::kThreads)
    matmul(const void* __restrict__ a, const void* __restrict__ b,
           const float* __restrict__ multiplier, const float* __restrict__ bias,
           void* __restrict__ y, const xi::StepPointers steps, const int batch) {
  using namespace xi;
  __shared__ Value a_slice[kSlice][kTile + 4];
  __shared__ Value b_slice[kSlice][kTile + 4];
  let_successor_start();
  const int first_column = blockIdx.x % kTilesN * kTile;
  const u32 above = blockIdx.x / kTilesN;
  const int first_row = above % kTilesM * kTile;
  const int matrix = above / kTilesM, image = matrix / kOuter;
  if (image >= batch) return;
  Bases bases{image * static_cast<s64>(kAImage), image * static_cast<s64>(kBImage)};
  follow<kOuterAxes - 1>(matrix % kOuter, bases);

  // Neighbouring threads fetch what lies side by side in memory.
  const auto fetch = [&](int first_k) {
#pragma unroll
    for (int i = threadIdx.x; i < kTile * kSlice; i += kThreads) {
      const int m = kAColumn == 1 ? i / kSlice : i % kTile;
      const int k = kAColumn == 1 ? i % kSlice : i / kTile;
      const bool inside = first_row + m < kM && first_k + k < kK;
      const s64 at = bases.a + static_cast<s64>(first_row + m) * kARow +
                     static_cast<s64>(first_k + k) * kAColumn;
      a_slice[k][m] = inside ? load_value<kAElem>(a, at) : Value(0);
    }
#pragma unroll
    for (int i = threadIdx.x; i < kTile * kSlice; i += kThreads) {
      const int n = kBColumn == 1 ? i % kTile : i / kSlice;
      const int k = kBColumn == 1 ? i / kTile : i % kSlice;
      const bool inside = first_column + n < kN && first_k + k < kK;
      const s64 at = bases.b + static_cast<s64>(first_k + k) * kBRow +
                     static_cast<s64>(first_column + n) * kBColumn;
      b_slice[k][n] = inside ? load_value<kBElem>(b, at) : Value(0);
    }
  };

  wait_for_predecessor();
  const int column = threadIdx.x % 16 * 4, line = threadIdx.x / 16 * 4;
  Value acc[4][4] = {};
#pragma unroll 1
  for (int first_k = 0; first_k < kK; first_k += kSlice) {
    fetch(first_k);
    __syncthreads();
#pragma unroll
    for (int k = 0; k < kSlice; ++k) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
#pragma unroll
        for (int j = 0; j < 4; ++j) {
          acc[i][j] = Sum::multiply_add(a_slice[k][line + i], b_slice[k][column + j], acc[i][j]);
        }
      }
    }
    __syncthreads();
  }

  s64 rows[4];
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const int row = first_row + line + i;
    rows[i] = row < kM ? static_cast<s64>(matrix) * kM + row : -1;
  }
  const int channel = first_column + column;
  const auto value = [&](int i, int j) { return acc[i][j]; };
  finish_tile<4, 4, kWholeRuns>(value, rows, channel, 0, kOutPitch, kN,
                                GlobalTable{multiplier + channel, bias + channel}, y, steps);
}
