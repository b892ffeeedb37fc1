// What each reduction does with one element, in the type it accumulates in.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "kernels/elementwise/dispatch.h"

namespace xinfer::kernels::accumulators {

/// double for floats, 64-bit integers for integers.
template <typename T>
using Wide =
    std::conditional_t<is_real<T>, double,
                       std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>>;

/// Wrapping 64-bit arithmetic for integers.
template <typename W>
W add(W a, W b) {
  if constexpr (std::is_integral_v<W>) {
    return static_cast<W>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
  } else {
    return a + b;
  }
}
template <typename W>
W multiply(W a, W b) {
  if constexpr (std::is_integral_v<W>) {
    return static_cast<W>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
  } else {
    return a * b;
  }
}
template <typename W>
W magnitude(W a) {
  return a < W{0} ? static_cast<W>(-a) : a;
}

// Each accumulator: start(), map(element), join(a, b), and how the total ends up in T.

struct Sum {
  template <typename W>
  static W start() {
    return 0;
  }
  template <typename W>
  static W map(W x) {
    return x;
  }
  template <typename W>
  static W join(W a, W b) {
    return add(a, b);
  }
};
struct Prod : Sum {
  template <typename W>
  static W start() {
    return 1;
  }
  template <typename W>
  static W join(W a, W b) {
    return multiply(a, b);
  }
};
struct SumAbsolute : Sum {
  template <typename W>
  static W map(W x) {
    return magnitude(x);
  }
};
struct SumSquare : Sum {
  template <typename W>
  static W map(W x) {
    return multiply(x, x);
  }
};
struct Max : Sum {
  template <typename W>
  static W start() {
    using Limits = std::numeric_limits<W>;
    return Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
  }
  template <typename W>
  static W join(W a, W b) {
    return b > a || b != b ? b : a;
  }
};
struct Min : Sum {
  template <typename W>
  static W start() {
    using Limits = std::numeric_limits<W>;
    return Limits::has_infinity ? Limits::infinity() : Limits::max();
  }
  template <typename W>
  static W join(W a, W b) {
    return b < a || b != b ? b : a;
  }
};

}  // namespace xinfer::kernels::accumulators
