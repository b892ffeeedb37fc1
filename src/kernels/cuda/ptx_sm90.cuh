// Wrappers of the sm_90a instructions: mbarriers, the tensor memory accelerator (TMA), wgmma
// fences, named barriers and register reallocation.
#pragma once

#include "cuda/types.cuh"

namespace xi {

/// CUtensorMap, passed to kernels by value.
struct alignas(64) TensorMap {
  u64 opaque[16];
};

__device__ __forceinline__ void barrier_init(u32 barrier, int arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier), "r"(arrivals));
}
/// Makes initialised barriers visible to the copy engine.
__device__ __forceinline__ void barrier_init_fence() {
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}
__device__ __forceinline__ void barrier_arrive(u32 barrier) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(barrier) : "memory");
}
/// Arrives and announces the bytes that copies will bring.
__device__ __forceinline__ void barrier_expect(u32 barrier, int bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(bytes)
               : "memory");
}
/// Whether the phase of that parity has completed.
__device__ __forceinline__ bool barrier_test(u32 barrier, u32 parity) {
  u32 done;
  asm volatile(
      "{.reg .pred p; mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2; selp.u32 %0, 1, 0, p;}"
      : "=r"(done)
      : "r"(barrier), "r"(parity)
      : "memory");
  return done != 0;
}
__device__ __forceinline__ void barrier_wait(u32 barrier, u32 parity) {
#ifdef XI_BOUNDED_WAITS
  // A lost arrival traps instead of hanging the device.
  for (int tries = 0; !barrier_test(barrier, parity); ++tries) {
    if (tries == 4000000) __trap();
  }
#else
  while (!barrier_test(barrier, parity)) {
  }
#endif
}

/// Brings a map into the copy engine's cache: the first copy would otherwise wait for it.
__device__ __forceinline__ void prefetch_map(const TensorMap* map) {
  asm volatile("prefetch.tensormap [%0];" ::"l"(map) : "memory");
}

/// Copies a box of a 2-D tensor map to shared memory; completes on the barrier.
__device__ __forceinline__ void copy_box_2d(u32 to, const TensorMap* map, u32 barrier, int x,
                                            int y) {
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%3, "
      "%4}], [%2];" ::"r"(to),
      "l"(map), "r"(barrier), "r"(x), "r"(y)
      : "memory");
}
/// The same for a 4-D box (channel, x, y, image).
__device__ __forceinline__ void copy_box_4d(u32 to, const TensorMap* map, u32 barrier, int c, int x,
                                            int y, int image) {
  asm volatile(
      "cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%3, "
      "%4, %5, %6}], [%2];" ::"r"(to),
      "l"(map), "r"(barrier), "r"(c), "r"(x), "r"(y), "r"(image)
      : "memory");
}
/// Copies the pixels that follow base pixel (x, y, image) in the map's traversal, moved by a tap.
__device__ __forceinline__ void copy_im2col(u32 to, const TensorMap* map, u32 barrier, int c, int x,
                                            int y, int image, u16 tap_x, u16 tap_y) {
  asm volatile(
      "cp.async.bulk.tensor.4d.shared::cluster.global.im2col.mbarrier::complete_tx::bytes [%0], "
      "[%1, {%3, %4, %5, %6}], [%2], {%7, %8};" ::"r"(to),
      "l"(map), "r"(barrier), "r"(c), "r"(x), "r"(y), "r"(image), "h"(tap_x), "h"(tap_y)
      : "memory");
}
/// Copies a box from shared memory to a 2-D tensor map, as part of this thread's current group.
__device__ __forceinline__ void copy_out_box_2d(const TensorMap* map, u32 from, int x, int y) {
  asm volatile(
      "cp.async.bulk.tensor.2d.global.shared::cta.bulk_group [%0, {%2, %3}], [%1];" ::"l"(map),
      "r"(from), "r"(x), "r"(y)
      : "memory");
}
__device__ __forceinline__ void copy_out_commit() {
  asm volatile("cp.async.bulk.commit_group;" ::: "memory");
}
/// Waits until the shared memory of all but kPending groups has been read.
template <int kPending>
__device__ __forceinline__ void copy_out_wait_read() {
  asm volatile("cp.async.bulk.wait_group.read %0;" ::"n"(kPending) : "memory");
}
/// Waits until this thread's groups are complete in global memory.
__device__ __forceinline__ void copy_out_wait() {
  asm volatile("cp.async.bulk.wait_group 0;" ::: "memory");
}
/// Orders ordinary shared-memory accesses before those of the copy engine and tensor cores.
__device__ __forceinline__ void proxy_fence() {
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

__device__ __forceinline__ void wgmma_fence() {
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}
__device__ __forceinline__ void wgmma_commit() {
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}
template <int kPending>
__device__ __forceinline__ void wgmma_wait() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kPending) : "memory");
}

/// Keeps the compiler from touching an accumulator before the wait that precedes this.
__device__ __forceinline__ void keep_after_wait(s32& value) {
  asm volatile("" : "+r"(value)::"memory");
}
__device__ __forceinline__ void keep_after_wait(float& value) {
  asm volatile("" : "+f"(value)::"memory");
}

/// An accumulator as a word in shared memory, and back.
__device__ __forceinline__ u32 fragment_bits(s32 value) { return static_cast<u32>(value); }
__device__ __forceinline__ u32 fragment_bits(float value) { return __float_as_uint(value); }
template <typename Fragment>
__device__ __forceinline__ Fragment fragment_of(u32 bits);
template <>
__device__ __forceinline__ s32 fragment_of<s32>(u32 bits) {
  return static_cast<s32>(bits);
}
template <>
__device__ __forceinline__ float fragment_of<float>(u32 bits) {
  return __uint_as_float(bits);
}

/// Descriptor of a K-major operand in shared memory whose rows of kRowBytes (128, 64 or 32) are
/// swizzled over 8 rows. Advancing by 32 bytes of K adds 2.
template <int kRowBytes>
__device__ __forceinline__ u64 wgmma_descriptor(u32 address) {
  constexpr u64 kLayout = kRowBytes == 128 ? 1 : kRowBytes == 64 ? 2 : 3;
  constexpr u64 kEightRows = kRowBytes * 8 / 16;
  return static_cast<u64>((address & 0x3FFFF) >> 4) | (1ull << 16) | (kEightRows << 32) |
         (kLayout << 62);
}

__device__ __forceinline__ void named_barrier_sync(int id, int threads) {
  asm volatile("bar.sync %0, %1;" ::"r"(id), "r"(threads) : "memory");
}
__device__ __forceinline__ void named_barrier_arrive(int id, int threads) {
  asm volatile("bar.arrive %0, %1;" ::"r"(id), "r"(threads) : "memory");
}
template <int kRegisters>
__device__ __forceinline__ void release_registers() {
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(kRegisters));
}
template <int kRegisters>
__device__ __forceinline__ void claim_registers() {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(kRegisters));
}

}  // namespace xi
