// Casts between every pair of types, and Clip.
#include "kernels/elementwise/cast.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/elementwise/dispatch.h"

namespace xinfer::kernels {
namespace {

constexpr std::size_t kGrain = 1 << 15;

/// A float to an integer type: truncated, saturated, NaN to 0.
template <typename To, typename From>
To truncate(From value) {
  // 2^digits is exact in every float type; the greatest integer itself may not be.
  const From limit = std::ldexp(From{1}, std::numeric_limits<To>::digits);
  if (value >= limit) return std::numeric_limits<To>::max();
  const From low = std::is_signed_v<To> ? -limit : From{0};
  if (value <= low) return std::numeric_limits<To>::lowest();
  if (value != value) return 0;
  return static_cast<To>(value);
}

template <typename To, typename From>
To cast_value(From from) {
  const ComputeType<From> value = from;
  if constexpr (std::is_same_v<To, bool>) {
    return value != 0;
  } else if constexpr (is_half<To> && std::is_same_v<ComputeType<From>, float>) {
    return To(value);
  } else if constexpr (is_half<To>) {
    return To(static_cast<double>(value));
  } else if constexpr (std::is_integral_v<To> && is_real<From>) {
    return truncate<To>(value);
  } else {
    return static_cast<To>(value);
  }
}

}  // namespace

void cast(DType x_dtype, const void* x, DType y_dtype, void* y, std::int64_t n, ThreadPool& pool) {
  if (x_dtype == y_dtype) {
    if (x != y && n > 0) std::memcpy(y, x, static_cast<std::size_t>(n) * size_of(x_dtype));
    return;
  }
  visit_dtype(x_dtype, [&]<typename From>() {
    visit_dtype(y_dtype, [&]<typename To>() {
      const From* from = static_cast<const From*>(x);
      To* to = static_cast<To*>(y);
      pool.parallel_ranges(static_cast<std::size_t>(n), kGrain,
                           [&](std::size_t begin, std::size_t end) {
                             for (std::size_t i = begin; i < end; ++i) {
                               to[i] = cast_value<To>(from[i]);
                             }
                           });
    });
  });
}

Status clip(DType dtype, const void* x, void* y, std::int64_t n, const void* low, const void* high,
            ThreadPool& pool) {
  return visit_dtype(dtype, [&]<typename T>() -> Status {
    if constexpr (std::is_same_v<T, bool>) {
      return unsupported("Clip of bool is not defined");
    } else {
      using Limits = std::numeric_limits<ComputeType<T>>;
      constexpr bool kInfinite = Limits::has_infinity;
      ComputeType<T> least = kInfinite ? -Limits::infinity() : Limits::lowest();
      ComputeType<T> most = kInfinite ? Limits::infinity() : Limits::max();
      if (low != nullptr) least = *static_cast<const T*>(low);
      if (high != nullptr) most = *static_cast<const T*>(high);
      const T* from = static_cast<const T*>(x);
      T* to = static_cast<T*>(y);
      pool.parallel_ranges(static_cast<std::size_t>(n), kGrain,
                           [&](std::size_t begin, std::size_t end) {
                             for (std::size_t i = begin; i < end; ++i) {
                               ComputeType<T> value = from[i];
                               value = value < least ? least : value;
                               to[i] = T(value > most ? most : value);
                             }
                           });
      return {};
    }
  });
}

}  // namespace xinfer::kernels
