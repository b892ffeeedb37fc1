#include "compare_outputs.h"

#include <gtest/gtest.h>

#include <cmath>

namespace xinfer {
namespace {

/// Differs from `expected` by more than the case's tolerance; equal infinities and two NaN do not.
bool differs(double found, double expected, const NodeCase& node_case) {
  if (found == expected || (std::isnan(found) && std::isnan(expected))) return false;
  const double allowed =
      node_case.absolute_tolerance + node_case.relative_tolerance * std::abs(expected);
  return !(std::abs(found - expected) <= allowed);
}

template <typename T>
void expect_values(const Tensor& found, const Tensor& expected, const NodeCase& node_case) {
  const auto a = found.values<T>();
  const auto b = expected.values<T>();
  for (std::size_t i = 0; i < b.size(); ++i) {
    if constexpr (std::is_floating_point_v<T>) {
      ASSERT_FALSE(differs(a[i], b[i], node_case)) << "[" << i << "]: " << a[i] << ", not " << b[i];
    } else {
      ASSERT_EQ(a[i], b[i]) << "[" << i << "]";
    }
  }
}

}  // namespace

void expect_equal(const Tensor& found, const Tensor& expected, const NodeCase& node_case) {
  ASSERT_EQ(to_string(found.shape()), to_string(expected.shape()));
  ASSERT_EQ(found.dtype(), expected.dtype())
      << to_string(found.dtype()) << ", not " << to_string(expected.dtype());
  switch (expected.dtype()) {
    case DType::kFloat32:
      return expect_values<float>(found, expected, node_case);
    case DType::kFloat64:
      return expect_values<double>(found, expected, node_case);
    case DType::kInt8:
      return expect_values<std::int8_t>(found, expected, node_case);
    case DType::kUInt8:
      return expect_values<std::uint8_t>(found, expected, node_case);
    case DType::kInt16:
      return expect_values<std::int16_t>(found, expected, node_case);
    case DType::kUInt16:
      return expect_values<std::uint16_t>(found, expected, node_case);
    case DType::kInt32:
      return expect_values<std::int32_t>(found, expected, node_case);
    case DType::kUInt32:
      return expect_values<std::uint32_t>(found, expected, node_case);
    case DType::kInt64:
      return expect_values<std::int64_t>(found, expected, node_case);
    case DType::kUInt64:
      return expect_values<std::uint64_t>(found, expected, node_case);
    case DType::kBool:
      return expect_values<bool>(found, expected, node_case);
    case DType::kFloat16:
    case DType::kBFloat16:
      FAIL() << "cases hold no " << to_string(expected.dtype());
  }
}

}  // namespace xinfer
