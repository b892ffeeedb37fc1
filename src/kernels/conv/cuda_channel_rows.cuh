// Products whose rows are channels and whose columns are pixels: mma.sync with INT8 weights as the
// first operand (sm_80 and up).
//
// A tile is 16 channels times 8 pixels. Row r of a product is channel 2r of the tile, row r + 8
// channel 2r + 1, so lane l holds channels 2(l / 4) and 2(l / 4) + 1 of pixels 2(l % 4) and
// 2(l % 4) + 1: two pairs of scale and bias serve all that a lane finishes. Once finished and
// packed to bytes, one transposition of 8x8 16-bit parts gives lane l channels 4(l % 4) … + 3 of
// pixel l / 4: a word of NHWC memory, and the form in which the next product takes its second
// operand.
#pragma once

#include "cuda/memory.cuh"
#include "cuda/ptx_sm80.cuh"
#include "cuda/step.cuh"

namespace xi {

/// c += weights[16 x 32] * pixels[32 x 8]; `kElem` is the pixels' type.
template <Elem kElem>
__device__ __forceinline__ void mma_channels(s32 (&c)[4], const u32 (&a)[4], u32 b0, u32 b1) {
  if constexpr (kElem == Elem::kU8) {
    asm("mma.sync.aligned.m16n8k32.row.col.s32.s8.u8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
        "{%0,%1,%2,%3};"
        : "+r"(c[0]), "+r"(c[1]), "+r"(c[2]), "+r"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  } else {
    asm("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
        "{%0,%1,%2,%3};"
        : "+r"(c[0]), "+r"(c[1]), "+r"(c[2]), "+r"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  }
}

/// c += weights[16 x 16] * pixels[16 x 8].
template <Elem kElem>
__device__ __forceinline__ void mma_channels(s32 (&c)[4], u32 a0, u32 a1, u32 b) {
  if constexpr (kElem == Elem::kU8) {
    asm("mma.sync.aligned.m16n8k16.row.col.s32.s8.u8.s32 {%0,%1,%2,%3}, {%4,%5}, {%6}, "
        "{%0,%1,%2,%3};"
        : "+r"(c[0]), "+r"(c[1]), "+r"(c[2]), "+r"(c[3])
        : "r"(a0), "r"(a1), "r"(b));
  } else {
    asm("mma.sync.aligned.m16n8k16.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5}, {%6}, "
        "{%0,%1,%2,%3};"
        : "+r"(c[0]), "+r"(c[1]), "+r"(c[2]), "+r"(c[3])
        : "r"(a0), "r"(a1), "r"(b));
  }
}

/// Two 8x8 matrices of 16-bit elements; lanes 0 to 15 give the addresses of their rows.
__device__ __forceinline__ void load_matrix_x2(u32 (&r)[2], u32 address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0,%1}, [%2];"
               : "=r"(r[0]), "=r"(r[1])
               : "r"(address));
}

/// The 8x8 matrix of 16-bit elements that the warp's words hold, transposed.
__device__ __forceinline__ u32 transposed(u32 word) {
  u32 result;
  asm("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;" : "=r"(result) : "r"(word));
  return result;
}

__device__ __forceinline__ u32 load_shared_word(u32 from) {
  u32 word;
  asm volatile("ld.shared.b32 %0, [%1];" : "=r"(word) : "r"(from));
  return word;
}
__device__ __forceinline__ void store_shared_word(u32 to, u32 word) {
  asm volatile("st.shared.b32 [%0], %1;" ::"r"(to), "r"(word) : "memory");
}

/// An inner layer's epilogue but for its tables: to INT8, with at most one clip before that.
struct InnerEpilogue {
  Elem elem;
  bool clips;
  float low, high;
};

/// Scale and bias of the lane's two channels.
struct LaneTable {
  float multiplier[2], bias[2];

  /// `table`: a tile's 16 multipliers, then its 16 biases.
  __device__ __forceinline__ LaneTable(const u8* table, int lane) {
    u32 words[4];
    load_words<8, 8>(table + lane / 4 * 8, words);
    load_words<8, 8>(table + 64 + lane / 4 * 8, words + 2);
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      multiplier[i] = __uint_as_float(words[i]);
      bias[i] = __uint_as_float(words[2 + i]);
    }
  }
};

/// A tile's outputs: lane l has channels 4(l % 4) … + 3 of pixel l / 4.
template <Elem kElem, bool kClips>
__device__ __forceinline__ u32 finish_inner(const s32 (&acc)[4], const LaneTable& table, float low,
                                            float high) {
  int q[4];
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    float y = __fmaf_rn(static_cast<float>(acc[i]), table.multiplier[i / 2], table.bias[i / 2]);
    if constexpr (kClips) y = fminf(fmaxf(y, low), high);
    q[i] = __float2int_rn(y);
  }
  return transposed(pack_saturated<kElem>(q[0], q[2], q[1], q[3]));
}

/// A tile's sums in the order of finish_inner's outputs: lane l gets those of channels
/// 4(l % 4) … + 3 of pixel l / 4.
__device__ __forceinline__ void transpose_sums(s32 (&acc)[4]) {
  u32 parts[2][2];  // of even and odd channels: lower and upper halves
#pragma unroll
  for (int odd = 0; odd < 2; ++odd) {
    const u32 first = static_cast<u32>(acc[2 * odd]), second = static_cast<u32>(acc[2 * odd + 1]);
    parts[odd][0] = transposed(__byte_perm(first, second, 0x5410));
    parts[odd][1] = transposed(__byte_perm(first, second, 0x7632));
  }
#pragma unroll
  for (int odd = 0; odd < 2; ++odd) {
    acc[odd] = static_cast<s32>(__byte_perm(parts[odd][0], parts[odd][1], 0x5410));
    acc[odd + 2] = static_cast<s32>(__byte_perm(parts[odd][0], parts[odd][1], 0x7632));
  }
}

}  // namespace xi
