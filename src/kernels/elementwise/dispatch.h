// From a DType at run time to a C++ type: `visit_dtype(dtype, [&]<typename T>() { … })`.
#pragma once

#include <cstdint>
#include <type_traits>

#include "kernels/elementwise/half.h"
#include "xinfer/core/dtype.h"

namespace xinfer::kernels {

/// Calls visitor.template operator()<T>() with the element type of `dtype`; float16 and bfloat16
/// come as Float16 and BFloat16.
template <typename Visitor>
decltype(auto) visit_dtype(DType dtype, Visitor&& visitor) {
  switch (dtype) {
    case DType::kFloat16:
      return visitor.template operator()<Float16>();
    case DType::kBFloat16:
      return visitor.template operator()<BFloat16>();
    case DType::kFloat64:
      return visitor.template operator()<double>();
    case DType::kInt8:
      return visitor.template operator()<std::int8_t>();
    case DType::kUInt8:
      return visitor.template operator()<std::uint8_t>();
    case DType::kInt16:
      return visitor.template operator()<std::int16_t>();
    case DType::kUInt16:
      return visitor.template operator()<std::uint16_t>();
    case DType::kInt32:
      return visitor.template operator()<std::int32_t>();
    case DType::kUInt32:
      return visitor.template operator()<std::uint32_t>();
    case DType::kInt64:
      return visitor.template operator()<std::int64_t>();
    case DType::kUInt64:
      return visitor.template operator()<std::uint64_t>();
    case DType::kBool:
      return visitor.template operator()<bool>();
    case DType::kFloat32:
      break;
  }
  return visitor.template operator()<float>();
}

template <typename T>
inline constexpr bool is_half = std::is_same_v<T, Float16> || std::is_same_v<T, BFloat16>;
template <typename T>
inline constexpr bool is_real = std::is_floating_point_v<T> || is_half<T>;

/// The type in which values of T are computed: float for the 16-bit floats, else T.
template <typename T>
using ComputeType = std::conditional_t<is_half<T>, float, T>;

}  // namespace xinfer::kernels
