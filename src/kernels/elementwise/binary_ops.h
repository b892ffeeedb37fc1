// The binary functions of one element for every type, as functors for binary_row.
#pragma once

#include <cmath>
#include <concepts>
#include <limits>
#include <type_traits>

#include "kernels/elementwise/dispatch.h"

namespace xinfer::kernels::ops {

/// Integer arithmetic happens in the unsigned type of at least 32 bits, where wrapping is defined.
template <typename T>
using Wrapping = std::make_unsigned_t<std::common_type_t<T, int>>;

template <typename T>
concept Integer = std::integral<T> && !std::same_as<T, bool>;

struct Add {
  template <typename T>
  static T apply(T a, T b) {
    if constexpr (Integer<T>) return static_cast<T>(Wrapping<T>(a) + Wrapping<T>(b));
    return T(ComputeType<T>(a) + ComputeType<T>(b));
  }
};
struct Sub {
  template <typename T>
  static T apply(T a, T b) {
    if constexpr (Integer<T>) return static_cast<T>(Wrapping<T>(a) - Wrapping<T>(b));
    return T(ComputeType<T>(a) - ComputeType<T>(b));
  }
};
struct Mul {
  template <typename T>
  static T apply(T a, T b) {
    if constexpr (Integer<T>) return static_cast<T>(Wrapping<T>(a) * Wrapping<T>(b));
    return T(ComputeType<T>(a) * ComputeType<T>(b));
  }
};
struct Div {
  template <typename T>
  static T apply(T a, T b) {
    if constexpr (Integer<T>) {
      if (b == 0) return 0;
      // The minimum by -1 wraps to itself instead of trapping.
      if (std::is_signed_v<T> && b == static_cast<T>(-1)) return Sub::apply(T{0}, a);
      return static_cast<T>(a / b);
    } else {
      return T(ComputeType<T>(a) / ComputeType<T>(b));
    }
  }
};
struct Min {
  template <typename T>
  static T apply(T a, T b) {
    if constexpr (is_real<T>) {
      if (a != a) return a;
    }
    return a < b ? a : b;
  }
};
struct Max {
  template <typename T>
  static T apply(T a, T b) {
    if constexpr (is_real<T>) {
      if (a != a) return a;
    }
    return a > b ? a : b;
  }
};
struct Fmod {
  template <typename T>
  static T apply(T a, T b) {
    if constexpr (Integer<T>) {
      if (b == 0 || (std::is_signed_v<T> && b == static_cast<T>(-1))) return 0;
      return static_cast<T>(a % b);
    } else {
      return T(std::fmod(ComputeType<T>(a), ComputeType<T>(b)));
    }
  }
};
struct Mod {
  template <typename T>
  static T apply(T a, T b) {
    const ComputeType<T> r = Fmod::apply(a, b);
    const bool adjust = r != 0 && (r < 0) != (b < 0);
    return adjust ? T(r + ComputeType<T>(b)) : T(r);
  }
};
struct PRelu {
  template <typename T>
  static T apply(T a, T b) {
    return a < 0 ? Mul::apply(a, b) : a;
  }
};

struct Equal {
  template <typename T>
  static bool apply(T a, T b) {
    return a == b;
  }
};
struct Less {
  template <typename T>
  static bool apply(T a, T b) {
    return a < b;
  }
};
struct LessOrEqual {
  template <typename T>
  static bool apply(T a, T b) {
    return a <= b;
  }
};
struct Greater {
  template <typename T>
  static bool apply(T a, T b) {
    return a > b;
  }
};
struct GreaterOrEqual {
  template <typename T>
  static bool apply(T a, T b) {
    return a >= b;
  }
};

struct BitwiseAnd {
  template <typename T>
  static T apply(T a, T b) {
    return static_cast<T>(a & b);
  }
};
struct BitwiseOr {
  template <typename T>
  static T apply(T a, T b) {
    return static_cast<T>(a | b);
  }
};
struct BitwiseXor {
  template <typename T>
  static T apply(T a, T b) {
    return static_cast<T>(a ^ b);
  }
};
/// A shift by the width or more gives 0. ONNX BitShift has unsigned types only.
struct ShiftLeft {
  template <typename T>
  static T apply(T a, T b) {
    using U = std::make_unsigned_t<T>;
    if (static_cast<U>(b) >= std::numeric_limits<U>::digits) return 0;
    return static_cast<T>(static_cast<std::uint64_t>(static_cast<U>(a)) << static_cast<U>(b));
  }
};
struct ShiftRight {
  template <typename T>
  static T apply(T a, T b) {
    using U = std::make_unsigned_t<T>;
    if (static_cast<U>(b) >= std::numeric_limits<U>::digits) return 0;
    return static_cast<T>(static_cast<U>(a) >> static_cast<U>(b));
  }
};

}  // namespace xinfer::kernels::ops
