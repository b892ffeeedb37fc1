// Element types of the elementwise kernels, as they are stored and as they are computed with, and
// what the host's kernels define for integers (kernels/elementwise/binary_ops.h, cast.h).
#pragma once

#include "cuda/run.cuh"

namespace xi {

/// Stored forms whose values have another type.
struct Half {
  u16 bits;
};
struct Bool {
  u8 bits;
};

template <typename T>
__device__ __forceinline__ T value_of(T stored) {
  return stored;
}
__device__ __forceinline__ float value_of(Half stored) { return half_bits_to_float(stored.bits); }
__device__ __forceinline__ bool value_of(Bool stored) { return stored.bits != 0; }

template <typename T>
struct Stored {
  template <typename Value>
  __device__ __forceinline__ static T from(Value value) {
    return static_cast<T>(value);
  }
};
template <>
struct Stored<Half> {
  __device__ __forceinline__ static Half from(float value) {
    return {static_cast<u16>(pack_halves(value, 0.0f))};
  }
};
template <>
struct Stored<Bool> {
  template <typename Value>
  __device__ __forceinline__ static Bool from(Value value) {
    return {static_cast<u8>(value != 0 ? 1 : 0)};
  }
};

template <typename T>
constexpr bool kIsSigned = static_cast<T>(-1) < static_cast<T>(0);

// --- integers: sums, differences and products wrap around ----------------------------------------

template <typename T>
__device__ __forceinline__ T wrapped_add(T a, T b) {
  return static_cast<T>(static_cast<u64>(a) + static_cast<u64>(b));
}
template <typename T>
__device__ __forceinline__ T wrapped_sub(T a, T b) {
  return static_cast<T>(static_cast<u64>(a) - static_cast<u64>(b));
}
template <typename T>
__device__ __forceinline__ T wrapped_mul(T a, T b) {
  return static_cast<T>(static_cast<u64>(a) * static_cast<u64>(b));
}
/// Towards zero; by zero 0, and the minimum by -1 wraps to itself.
template <typename T>
__device__ __forceinline__ T quotient_of(T a, T b) {
  if (b == 0) return 0;
  if (kIsSigned<T> && b == static_cast<T>(-1)) return wrapped_sub(static_cast<T>(0), a);
  return static_cast<T>(a / b);
}
/// With the sign of a.
template <typename T>
__device__ __forceinline__ T remainder_of(T a, T b) {
  if (b == 0 || (kIsSigned<T> && b == static_cast<T>(-1))) return 0;
  return static_cast<T>(a % b);
}
/// With the sign of b.
template <typename T>
__device__ __forceinline__ T modulo_of(T a, T b) {
  const T r = remainder_of(a, b);
  return r != 0 && (r < 0) != (b < 0) ? static_cast<T>(r + b) : r;
}

// --- casts ---------------------------------------------------------------------------------------

/// A float as an integer: truncated, saturated, NaN to 0.
template <typename T>
__device__ __forceinline__ T truncated(float value) {
  constexpr int kDigits = 8 * static_cast<int>(sizeof(T)) - (kIsSigned<T> ? 1 : 0);
  constexpr float kLimit = 2.0f * static_cast<float>(1ull << (kDigits - 1));  // 2^digits, exact
  constexpr u64 kMost = ~0ull >> (64 - kDigits);
  if (value != value) return 0;
  if (value >= kLimit) return static_cast<T>(kMost);
  if (value <= (kIsSigned<T> ? -kLimit : 0.0f)) return static_cast<T>(kIsSigned<T> ? ~kMost : 0);
  return static_cast<T>(value);
}

}  // namespace xi
