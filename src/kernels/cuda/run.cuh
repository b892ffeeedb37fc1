// Runs of 16 consecutive channels of one pixel: the unit of work of the kernels that are bound by
// memory (conversion, elementwise, pooling).
#pragma once

#include "cuda/memory.cuh"
#include "cuda/step.cuh"

namespace xi {

constexpr int kRun = 16;

/// Element `i` of packed words.
template <Elem kElem>
__device__ __forceinline__ float element(const u32* words, int i) {
  if constexpr (kElem == Elem::kF32) {
    return __uint_as_float(words[i]);
  } else if constexpr (kElem == Elem::kF16) {
    return half_bits_to_float(static_cast<u16>(words[i / 2] >> (16 * (i % 2))));
  } else if constexpr (kElem == Elem::kU8) {
    return static_cast<float>(words[i / 4] >> (8 * (i % 4)) & 255u);
  } else {
    return static_cast<float>(static_cast<s8>(words[i / 4] >> (8 * (i % 4))));
  }
}

/// One element in memory.
template <Elem kElem>
__device__ __forceinline__ float load_element(const void* base, s64 index) {
  if constexpr (kElem == Elem::kF32) {
    return static_cast<const float*>(base)[index];
  } else if constexpr (kElem == Elem::kF16) {
    return half_bits_to_float(static_cast<const u16*>(base)[index]);
  } else if constexpr (kElem == Elem::kU8) {
    return static_cast<float>(static_cast<const u8*>(base)[index]);
  } else {
    return static_cast<float>(static_cast<const s8*>(base)[index]);
  }
}

/// A value as the integer that an INT8 tensor stores: clamped as float, then rounded half even. NaN
/// becomes the lowest.
template <Elem kElem>
__device__ __forceinline__ int quantised(float value) {
  return __float2int_rn(fminf(fmaxf(value, lowest(kElem)), highest(kElem)));
}

template <Elem kElem>
__device__ __forceinline__ void store_element(void* base, s64 index, float value) {
  if constexpr (kElem == Elem::kF32) {
    static_cast<float*>(base)[index] = value;
  } else if constexpr (kElem == Elem::kF16) {
    static_cast<u16*>(base)[index] = static_cast<u16>(pack_halves(value, 0.0f));
  } else {
    static_cast<u8*>(base)[index] = static_cast<u8>(quantised<kElem>(value));
  }
}

/// Loads up to kRun values; elements from `count` on are 0.
template <Elem kElem, int kAlign>
__device__ __forceinline__ void load_run(const void* base, s64 index, int count,
                                         float (&values)[kRun]) {
  constexpr int kBytes = kRun * size_of(kElem);
  if (count >= kRun) {
    u32 words[kBytes / 4];
    load_words<kBytes, kAlign>(static_cast<const u8*>(base) + index * size_of(kElem), words);
#pragma unroll
    for (int i = 0; i < kRun; ++i) values[i] = element<kElem>(words, i);
    return;
  }
#pragma unroll
  for (int i = 0; i < kRun; ++i) {
    values[i] = i < count ? load_element<kElem>(base, index + i) : 0.0f;
  }
}

/// Stores up to kRun values, `count` of them.
template <Elem kElem, int kAlign>
__device__ __forceinline__ void store_run(void* base, s64 index, int count,
                                          const float (&values)[kRun]) {
  constexpr int kBytes = kRun * size_of(kElem);
  if (count < kRun) {
#pragma unroll
    for (int i = 0; i < kRun; ++i) {
      if (i < count) store_element<kElem>(base, index + i, values[i]);
    }
    return;
  }
  u32 words[kBytes / 4];
  if constexpr (kElem == Elem::kF32) {
#pragma unroll
    for (int i = 0; i < kRun; ++i) words[i] = __float_as_uint(values[i]);
  } else if constexpr (kElem == Elem::kF16) {
#pragma unroll
    for (int i = 0; i < kRun / 2; ++i) words[i] = pack_halves(values[2 * i], values[2 * i + 1]);
  } else {
#pragma unroll
    for (int i = 0; i < kRun / 4; ++i) {
      words[i] = pack_saturated<kElem>(
          quantised<kElem>(values[4 * i]), quantised<kElem>(values[4 * i + 1]),
          quantised<kElem>(values[4 * i + 2]), quantised<kElem>(values[4 * i + 3]));
    }
  }
  store_words<kBytes, kAlign>(static_cast<u8*>(base) + index * size_of(kElem), words);
}

}  // namespace xi
