// From C++ types to DType and back.
#pragma once

#include <cstdint>
#include <type_traits>

#include "xinfer/core/dtype.h"

namespace xinfer {

template <typename T>
struct DTypeOf;
template <>
struct DTypeOf<float> : std::integral_constant<DType, DType::kFloat32> {};
template <>
struct DTypeOf<double> : std::integral_constant<DType, DType::kFloat64> {};
template <>
struct DTypeOf<std::int8_t> : std::integral_constant<DType, DType::kInt8> {};
template <>
struct DTypeOf<std::uint8_t> : std::integral_constant<DType, DType::kUInt8> {};
template <>
struct DTypeOf<std::int16_t> : std::integral_constant<DType, DType::kInt16> {};
template <>
struct DTypeOf<std::uint16_t> : std::integral_constant<DType, DType::kUInt16> {};
template <>
struct DTypeOf<std::int32_t> : std::integral_constant<DType, DType::kInt32> {};
template <>
struct DTypeOf<std::uint32_t> : std::integral_constant<DType, DType::kUInt32> {};
template <>
struct DTypeOf<std::int64_t> : std::integral_constant<DType, DType::kInt64> {};
template <>
struct DTypeOf<std::uint64_t> : std::integral_constant<DType, DType::kUInt64> {};
template <>
struct DTypeOf<bool> : std::integral_constant<DType, DType::kBool> {};

template <typename T>
inline constexpr DType dtype_of = DTypeOf<std::remove_const_t<T>>::value;

}  // namespace xinfer
