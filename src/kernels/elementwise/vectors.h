// Fixed-size vectors (a GCC and Clang extension) for accumulators that must stay in registers: the
// compiler splits them into whatever registers the instruction set of the including file has.
#pragma once

#include <cstdint>

#include "kernels/elementwise/isa_namespace.h"

namespace xinfer::kernels::XINFER_ISA_NAMESPACE {

template <typename T, int count>
struct VectorOf {
  typedef T type __attribute__((vector_size(count * sizeof(T))));
  typedef T unaligned
      __attribute__((vector_size(count * sizeof(T)), aligned(sizeof(T)), may_alias));
};

/// `count` elements of T.
template <typename T, int count>
using Vector = typename VectorOf<T, count>::type;

/// float32 lanes of a register.
#if defined(__AVX512F__)
inline constexpr int kWidth = 16;
#elif defined(__AVX__)
inline constexpr int kWidth = 8;
#else
inline constexpr int kWidth = 4;
#endif

/// The vector that starts at x, which needs only the alignment of T.
template <int count, typename T>
inline Vector<T, count> load_vector(const T* x) {
  return *reinterpret_cast<const typename VectorOf<T, count>::unaligned*>(x);
}
template <int count, typename T>
inline void store_vector(T* y, Vector<T, count> v) {
  *reinterpret_cast<typename VectorOf<T, count>::unaligned*>(y) = v;
}

}  // namespace xinfer::kernels::XINFER_ISA_NAMESPACE
