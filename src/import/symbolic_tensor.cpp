#include "import/symbolic_tensor.h"

#include <algorithm>

#include "core/dtype_traits.h"

namespace xinfer::import {
namespace {

template <typename T>
void read_elements(const Tensor& tensor, SymbolicTensor& out) {
  for (const T value : tensor.values<T>()) {
    if constexpr (std::is_floating_point_v<T>) {
      out.elements.push_back(Number::of_real(static_cast<double>(value)));
    } else {
      out.elements.push_back(Number::of_dim(ir::Dim(static_cast<std::int64_t>(value))));
    }
  }
}

template <typename T>
void write_elements(const SymbolicTensor& symbolic, Tensor& out) {
  std::size_t i = 0;
  for (T& value : out.values<T>()) {
    const Number& number = symbolic.elements[i++];
    if constexpr (std::is_floating_point_v<T>) {
      value = static_cast<T>(number.constant_value());
    } else if constexpr (std::is_same_v<T, bool>) {
      value = number.numerator.constant() != 0;
    } else {
      value = static_cast<T>(number.numerator.constant());
    }
  }
}

/// Calls f with a T for the dtype; false for the dtypes that shape arithmetic does not know.
template <typename F>
bool visit_dtype(DType dtype, F&& f) {
  switch (dtype) {
    case DType::kFloat32:
      return f(float{}), true;
    case DType::kFloat64:
      return f(double{}), true;
    case DType::kInt8:
      return f(std::int8_t{}), true;
    case DType::kUInt8:
      return f(std::uint8_t{}), true;
    case DType::kInt16:
      return f(std::int16_t{}), true;
    case DType::kUInt16:
      return f(std::uint16_t{}), true;
    case DType::kInt32:
      return f(std::int32_t{}), true;
    case DType::kUInt32:
      return f(std::uint32_t{}), true;
    case DType::kInt64:
      return f(std::int64_t{}), true;
    case DType::kBool:
      return f(bool{}), true;
    case DType::kFloat16:
    case DType::kBFloat16:
    case DType::kUInt64:
      break;
  }
  return false;
}

}  // namespace

bool SymbolicTensor::is_constant() const {
  return std::all_of(elements.begin(), elements.end(),
                     [](const Number& number) { return number.is_constant(); });
}

std::optional<SymbolicTensor> to_symbolic(const Tensor& tensor) {
  if (tensor.size() > kMaxSymbolicElements) return {};
  SymbolicTensor symbolic{tensor.dtype(), tensor.shape(), {}};
  const bool known =
      visit_dtype(tensor.dtype(), [&]<typename T>(T) { read_elements<T>(tensor, symbolic); });
  if (!known) return {};
  return symbolic;
}

Tensor to_tensor(const SymbolicTensor& symbolic) {
  Tensor tensor(symbolic.dtype, symbolic.shape);
  visit_dtype(symbolic.dtype, [&]<typename T>(T) { write_elements<T>(symbolic, tensor); });
  return tensor;
}

std::optional<Shape> broadcast(const Shape& a, const Shape& b) {
  const std::size_t rank = std::max(a.size(), b.size());
  Shape result(rank);
  for (std::size_t i = 0; i < rank; ++i) {
    const std::int64_t x = i + a.size() < rank ? 1 : a[i + a.size() - rank];
    const std::int64_t y = i + b.size() < rank ? 1 : b[i + b.size() - rank];
    if (x != y && x != 1 && y != 1) return {};
    result[i] = x == 1 ? y : x;
  }
  return result;
}

std::int64_t broadcast_index(const Shape& shape, const Shape& target, std::int64_t index) {
  std::int64_t result = 0;
  std::int64_t stride = 1;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const std::int64_t extent = target[target.size() - 1 - i];
    const std::int64_t own = shape[shape.size() - 1 - i];
    if (own != 1) result += index % extent * stride;
    index /= extent;
    stride *= own;
  }
  return result;
}

}  // namespace xinfer::import
