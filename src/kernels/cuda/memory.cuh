// Vector loads and stores of 4, 8 or 16 bytes, and programmatic dependent launch.
#pragma once

#include "cuda/types.cuh"

namespace xi {

__device__ __forceinline__ u32 shared_address(const void* pointer) {
  return static_cast<u32>(__cvta_generic_to_shared(pointer));
}

/// Loads kBytes (a multiple of 4) from an address aligned to kAlign bytes into 32-bit words.
template <int kBytes, int kAlign>
__device__ __forceinline__ void load_words(const void* from, u32* words) {
  if constexpr (kBytes >= 16 && kAlign >= 16) {
    const uint4 v = *static_cast<const uint4*>(from);
    words[0] = v.x, words[1] = v.y, words[2] = v.z, words[3] = v.w;
    if constexpr (kBytes > 16) {
      load_words<kBytes - 16, kAlign>(static_cast<const u8*>(from) + 16, words + 4);
    }
  } else if constexpr (kBytes >= 8 && kAlign >= 8) {
    const uint2 v = *static_cast<const uint2*>(from);
    words[0] = v.x, words[1] = v.y;
    if constexpr (kBytes > 8) {
      load_words<kBytes - 8, kAlign>(static_cast<const u8*>(from) + 8, words + 2);
    }
  } else if constexpr (kAlign >= 4) {
    words[0] = *static_cast<const u32*>(from);
    if constexpr (kBytes > 4) {
      load_words<kBytes - 4, kAlign>(static_cast<const u8*>(from) + 4, words + 1);
    }
  } else {
#pragma unroll
    for (int i = 0; i < kBytes / 4; ++i) {
      u32 word = 0;
#pragma unroll
      for (int b = 0; b < 4; ++b) {
        word |= static_cast<u32>(static_cast<const u8*>(from)[4 * i + b]) << (8 * b);
      }
      words[i] = word;
    }
  }
}

/// Stores kBytes (a multiple of 4) to an address aligned to kAlign bytes.
template <int kBytes, int kAlign>
__device__ __forceinline__ void store_words(void* to, const u32* words) {
  if constexpr (kBytes >= 16 && kAlign >= 16) {
    *static_cast<uint4*>(to) = make_uint4(words[0], words[1], words[2], words[3]);
    if constexpr (kBytes > 16) {
      store_words<kBytes - 16, kAlign>(static_cast<u8*>(to) + 16, words + 4);
    }
  } else if constexpr (kBytes >= 8 && kAlign >= 8) {
    *static_cast<uint2*>(to) = make_uint2(words[0], words[1]);
    if constexpr (kBytes > 8) store_words<kBytes - 8, kAlign>(static_cast<u8*>(to) + 8, words + 2);
  } else if constexpr (kAlign >= 4) {
    *static_cast<u32*>(to) = words[0];
    if constexpr (kBytes > 4) store_words<kBytes - 4, kAlign>(static_cast<u8*>(to) + 4, words + 1);
  } else {
#pragma unroll
    for (int i = 0; i < kBytes; ++i) {
      static_cast<u8*>(to)[i] = static_cast<u8>(words[i / 4] >> (8 * (i % 4)));
    }
  }
}

/// Waits until the preceding kernel's results are visible. Every thread that stores calls it before
/// that, so that completion is transitive along a stream. It precedes the loads of activations too,
/// but for the input of a form that waits late (KernelSpec::waits_late): the kernel before it does
/// not write that.
__device__ __forceinline__ void wait_for_predecessor() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

/// Lets the next kernel start its own prologue.
__device__ __forceinline__ void let_successor_start() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

}  // namespace xi
