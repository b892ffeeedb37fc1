// The vocabulary of layer.cuh's epilogue constants, and conversions of single values.
#pragma once

#include "cuda/functions.cuh"
#include "cuda/types.cuh"

namespace xi {

enum class StepKind { kResidual, kClip, kLeaky, kTable, kFunction };

/// One step of the epilogue (kernels/epilogue.h), as a constant.
struct Step {
  StepKind kind;
  Elem elem;    ///< kResidual: the residual's; kTable: the type of the table's bytes
  int pitch;    ///< kResidual: elements between two pixels
  int align;    ///< kResidual: bytes, of base, pitch and group offset
  float scale;  ///< kResidual, kTable: the factor; kLeaky: the slope
  float low;    ///< kClip: the bounds; kTable: those of its input
  float high;
};

__device__ __forceinline__ float half_bits_to_float(u16 bits) {
  float value;
  asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
  return value;
}

/// Two floats rounded to FP16, the first in the low half.
__device__ __forceinline__ u32 pack_halves(float low, float high) {
  u32 word;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(high), "f"(low));
  return word;
}

/// Four integers saturated to INT8, the first in the lowest byte.
template <Elem kElem>
__device__ __forceinline__ u32 pack_saturated(int q0, int q1, int q2, int q3) {
  u32 high, word;
  if constexpr (kElem == Elem::kU8) {
    asm("cvt.pack.sat.u8.s32.b32 %0, %1, %2, 0;" : "=r"(high) : "r"(q3), "r"(q2));
    asm("cvt.pack.sat.u8.s32.b32 %0, %1, %2, %3;" : "=r"(word) : "r"(q1), "r"(q0), "r"(high));
  } else {
    asm("cvt.pack.sat.s8.s32.b32 %0, %1, %2, 0;" : "=r"(high) : "r"(q3), "r"(q2));
    asm("cvt.pack.sat.s8.s32.b32 %0, %1, %2, %3;" : "=r"(word) : "r"(q1), "r"(q0), "r"(high));
  }
  return word;
}

}  // namespace xi

namespace layer {

/// y of step kStep, if that is a kFunction: layer.cuh specialises it.
template <int kStep>
__device__ float step_function(float y);

}  // namespace layer
