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

/// By the width or more: 0. The types are unsigned.
template <typename T>
__device__ __forceinline__ T shifted_left(T a, T b) {
  return b >= 8 * sizeof(T) ? 0 : static_cast<T>(static_cast<u64>(a) << b);
}
template <typename T>
__device__ __forceinline__ T shifted_right(T a, T b) {
  return b >= 8 * sizeof(T) ? 0 : static_cast<T>(a >> b);
}

/// By squaring; by a negative exponent what 1 / a^|e| truncates to.
template <typename T>
__device__ __forceinline__ T whole_power(T base, bool negative, u64 exponent) {
  if (negative && base != 1 && !(kIsSigned<T> && base == static_cast<T>(-1))) return 0;
  T result = 1;
  for (u64 e = exponent; e != 0; e >>= 1) {
    if (e & 1) result = wrapped_mul(result, base);
    base = wrapped_mul(base, base);
  }
  return result;
}

// --- floor modulo and doubles, beside cuda/functions.cuh
// ------------------------------------------

__device__ __forceinline__ float modulo_of(float a, float b) {
  const float r = fmodf(a, b);
  return r != 0.0f && (r < 0.0f) != (b < 0.0f) ? r + b : r;
}
__device__ __forceinline__ double modulo_of(double a, double b) {
  const double r = fmod(a, b);
  return r != 0.0 && (r < 0.0) != (b < 0.0) ? r + b : r;
}
__device__ __forceinline__ double sigmoid(double x) { return 1.0 / (1.0 + exp(-x)); }
__device__ __forceinline__ double hard_sigmoid(double x, double alpha, double beta) {
  return fmax(0.0, fmin(1.0, alpha * x + beta));
}
__device__ __forceinline__ double hard_swish(double x) {
  return x * fmax(0.0, fmin(1.0, x / 6.0 + 0.5));
}
__device__ __forceinline__ double silu(double x) { return x * sigmoid(x); }
__device__ __forceinline__ double gelu(double x) {
  return 0.5 * x * erfc(-x * 0.70710678118654752440);
}
__device__ __forceinline__ double gelu_tanh(double x) {
  return 0.5 * x * (1.0 + tanh(0.79788456080286535588 * (x + 0.044715 * x * x * x)));
}
__device__ __forceinline__ double leaky_relu(double x, double slope) {
  return x < 0.0 ? x * slope : x;
}
__device__ __forceinline__ double elu(double x, double alpha) {
  return x > 0.0 ? x : alpha * expm1(x);
}
__device__ __forceinline__ double softplus(double x) { return fmax(x, 0.0) + log1p(exp(-fabs(x))); }
__device__ __forceinline__ double mish(double x) { return x * tanh(softplus(x)); }

// --- casts ---------------------------------------------------------------------------------------

/// A float or double as an integer: truncated, saturated, NaN to 0.
template <typename T, typename Real>
__device__ __forceinline__ T truncated(Real value) {
  constexpr int kDigits = 8 * static_cast<int>(sizeof(T)) - (kIsSigned<T> ? 1 : 0);
  constexpr Real kLimit = 2 * static_cast<Real>(1ull << (kDigits - 1));  // 2^digits, exact
  constexpr u64 kMost = ~0ull >> (64 - kDigits);
  if (value != value) return 0;
  if (value >= kLimit) return static_cast<T>(kMost);
  if (value <= (kIsSigned<T> ? -kLimit : Real{0})) return static_cast<T>(kIsSigned<T> ? ~kMost : 0);
  return static_cast<T>(value);
}

// --- powers of integers --------------------------------------------------------------------------

/// base^exponent as T: exact and wrapping for integer exponents, else by doubles; what T cannot
/// hold of those is 0.
template <typename T, typename Exponent>
__device__ __forceinline__ T power_of(T base, Exponent exponent) {
  if constexpr (static_cast<Exponent>(0.5) == static_cast<Exponent>(0)) {
    const bool negative = exponent < 0;
    const u64 bits = static_cast<u64>(exponent);
    return whole_power(base, negative, negative ? 0 - bits : bits);
  } else {
    const double y = pow(static_cast<double>(base), static_cast<double>(exponent));
    return fabs(y) < 9.2e18 ? static_cast<T>(static_cast<s64>(y)) : 0;
  }
}

}  // namespace xi
