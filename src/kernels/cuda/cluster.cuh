// Meeting points of the blocks of a cluster of kBlocks, which may be one.
#pragma once

namespace xi {

/// Says that this block has started: others may write to it once they all have.
template <int kBlocks>
__device__ __forceinline__ void announce_start() {
  if constexpr (kBlocks > 1) asm volatile("barrier.cluster.arrive.relaxed.aligned;" ::: "memory");
}

template <int kBlocks>
__device__ __forceinline__ void wait_for_starts() {
  if constexpr (kBlocks > 1) asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory");
}

/// Waits until every thread of the cluster has come here, and sees what they have written.
template <int kBlocks>
__device__ __forceinline__ void meet() {
  if constexpr (kBlocks > 1) {
    asm volatile("barrier.cluster.arrive.release.aligned;" ::: "memory");
    asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory");
  } else {
    __syncthreads();
  }
}

}  // namespace xi
