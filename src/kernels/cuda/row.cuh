// What kernels share that give a warp to every row of the last axis.
#pragma once

#include "cuda/run.cuh"
#include "layer.cuh"

namespace xi {

constexpr int kWarpsOfBlock = 8;

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

/// Stores element i of a row of y; INT8 is quantised by true division.
__device__ __forceinline__ void store_row_element(void* y, s64 row, int i, float value) {
  if constexpr (is_int8(layer::kOutElem)) value = __fdiv_rn(value, layer::kScale);
  if (i >= layer::kLength) value = 0.0f;
  store_element<layer::kOutElem>(y, row * layer::kOutPitch + i, value);
}

}  // namespace xi
