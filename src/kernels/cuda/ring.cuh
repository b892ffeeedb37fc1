// Rings of stages in shared memory, which every role of a block walks through by itself.
#pragma once

#include "cuda/types.cuh"

namespace xi {

/// A place in a ring of kDepth stages, and the parity of the barriers' phase there.
template <int kDepth>
struct Ring {
  int stage = 0;
  u32 parity = 0;

  template <int kCount>
  __device__ __forceinline__ void advance() {
    stage += kCount % kDepth;
    parity ^= kCount / kDepth & 1;
    if (stage >= kDepth) {
      stage -= kDepth;
      parity ^= 1;
    }
  }
  __device__ __forceinline__ int previous() const { return stage == 0 ? kDepth - 1 : stage - 1; }
};

}  // namespace xi
