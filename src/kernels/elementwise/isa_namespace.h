// One kernel source, compiled once per instruction set.
//
// A family's loops live in <family>_loops.h, which <family>_avx2.cpp and <family>_avx512vnni.cpp
// include for their builds, and <family>.cpp, which chooses among the builds, for the portable one.
// Every inline function in such a header sits in the namespace XINFER_ISA_NAMESPACE of the
// including file, so that the linker never merges an AVX-512 body into a portable caller; for the
// same reason such headers use compiler builtins instead of the standard library's inline
// functions.
#pragma once

#if defined(__AVX512VNNI__)
#define XINFER_ISA_NAMESPACE avx512vnni
#elif defined(__AVX2__)
#define XINFER_ISA_NAMESPACE avx2
#else
#define XINFER_ISA_NAMESPACE portable
#endif

/// Before a loop whose pointers may be equal but never overlap otherwise: every element is read
/// before it is written, so vectors of them may be as well.
#if defined(__clang__)
#define XINFER_IN_PLACE_LOOP _Pragma("clang loop vectorize(assume_safety)")
#else
#define XINFER_IN_PLACE_LOOP _Pragma("GCC ivdep")
#endif

#include "core/cpu_isa.h"

namespace xinfer::kernels {

/// The best of the three builds of a function table that `isa` includes.
template <typename Table>
const Table& select_build(CpuIsa isa, const Table& portable, const Table& avx2,
                          const Table& avx512) {
  if (includes(isa, CpuIsa::kAvx512Vnni)) return avx512;
  if (includes(isa, CpuIsa::kAvx2)) return avx2;
  return portable;
}

}  // namespace xinfer::kernels
