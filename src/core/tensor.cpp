#include "xinfer/core/tensor.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>

#include "core/aligned_buffer.h"
#include "core/dtype_traits.h"
#include "xinfer/core/error.h"

namespace xinfer {

std::int64_t element_count(const Shape& shape) {
  std::int64_t count = 1;
  for (std::int64_t dim : shape) count *= dim;
  return count;
}

std::string to_string(const Shape& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

Tensor::Tensor(DType dtype, Shape shape) : dtype_(dtype), shape_(std::move(shape)) {
  for (std::int64_t dim : shape_) {
    if (dim < 0) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("tensor shape {} has a negative dimension", to_string(shape_)));
    }
  }
  data_ = allocate_buffer(size_bytes());
}

template <typename T>
static Tensor copy_of(Shape shape, std::span<const T> values) {
  Tensor tensor(dtype_of<T>, std::move(shape));
  if (static_cast<std::int64_t>(values.size()) != tensor.size()) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("{} values do not fill a tensor of shape {}", values.size(),
                            to_string(tensor.shape())));
  }
  std::copy(values.begin(), values.end(), tensor.template values<T>().begin());
  return tensor;
}

Tensor::Tensor(Shape shape, std::span<const float> values)
    : Tensor(copy_of(std::move(shape), values)) {}

Tensor::Tensor(Shape shape, std::span<const std::int64_t> values)
    : Tensor(copy_of(std::move(shape), values)) {}

Tensor Tensor::adopt(DType dtype, Shape shape, std::shared_ptr<void> data) {
  Tensor tensor;
  tensor.dtype_ = dtype;
  tensor.shape_ = std::move(shape);
  tensor.data_ = std::move(data);
  return tensor;
}

Tensor Tensor::view(DType dtype, Shape shape, void* data) {
  return adopt(dtype, std::move(shape), std::shared_ptr<void>(std::shared_ptr<void>(), data));
}

std::size_t Tensor::size_bytes() const {
  return static_cast<std::size_t>(size()) * size_of(dtype_);
}

template <typename T>
std::span<const T> Tensor::values() const {
  if (dtype_of<T> != dtype_) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("tensor of {} read as {}", to_string(dtype_), to_string(dtype_of<T>)));
  }
  return {static_cast<const T*>(data_.get()), static_cast<std::size_t>(size())};
}

template <typename T>
std::span<T> Tensor::values() {
  const std::span<const T> values = static_cast<const Tensor*>(this)->values<T>();
  return {const_cast<T*>(values.data()), values.size()};
}

#define XINFER_INSTANTIATE(T)                \
  template std::span<T> Tensor::values<T>(); \
  template std::span<const T> Tensor::values<T>() const;
XINFER_INSTANTIATE(float)
XINFER_INSTANTIATE(double)
XINFER_INSTANTIATE(std::int8_t)
XINFER_INSTANTIATE(std::uint8_t)
XINFER_INSTANTIATE(std::int16_t)
XINFER_INSTANTIATE(std::uint16_t)
XINFER_INSTANTIATE(std::int32_t)
XINFER_INSTANTIATE(std::uint32_t)
XINFER_INSTANTIATE(std::int64_t)
XINFER_INSTANTIATE(std::uint64_t)
XINFER_INSTANTIATE(bool)
#undef XINFER_INSTANTIATE

Tensor Tensor::clone() const {
  Tensor copy(dtype_, shape_);
  std::memcpy(copy.data(), data(), size_bytes());
  return copy;
}

Tensor Tensor::reshaped(Shape shape) const {
  if (element_count(shape) != size()) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("cannot reshape {} to {}", to_string(shape_), to_string(shape)));
  }
  Tensor tensor = *this;
  tensor.shape_ = std::move(shape);
  return tensor;
}

}  // namespace xinfer
