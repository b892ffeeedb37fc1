// A dense host tensor: what goes into and comes out of an engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "xinfer/core/dtype.h"

namespace xinfer {

/// Dimensions, outermost first. Empty for a scalar.
using Shape = std::vector<std::int64_t>;

/// Product of the dimensions; 1 for a scalar, 0 if any dimension is 0.
std::int64_t element_count(const Shape& shape);

/// "[1, 3, 224, 224]".
std::string to_string(const Shape& shape);

/// A dense, row-major host tensor. Copies share the elements (cheap handles); `clone` copies them.
/// Memory that xinfer allocates is 64-byte aligned with 64 readable bytes behind its end.
class Tensor {
 public:
  Tensor() = default;
  /// Owns new, uninitialised memory.
  Tensor(DType dtype, Shape shape);
  /// Owns a copy of `values`. Throws Error(invalid_argument) if their number differs from `shape`.
  Tensor(Shape shape, std::span<const float> values);
  Tensor(Shape shape, std::span<const std::int64_t> values);

  /// Refers to memory of the caller, which must outlive every copy of the tensor.
  static Tensor view(DType dtype, Shape shape, void* data);

  /// Shares the ownership of existing memory (a mapped file, an array of another library), which
  /// need be neither aligned beyond its dtype nor readable behind its end.
  static Tensor adopt(DType dtype, Shape shape, std::shared_ptr<void> data);

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  std::int64_t size() const { return element_count(shape_); }
  std::size_t size_bytes() const;
  bool empty() const { return data_ == nullptr; }

  void* data() { return data_.get(); }
  const void* data() const { return data_.get(); }

  /// Typed access; throws Error(invalid_argument) if T is not the tensor's dtype.
  /// T: float, double, std::int8_t, std::uint8_t, std::int32_t, std::int64_t, bool, …
  template <typename T>
  std::span<T> values();
  template <typename T>
  std::span<const T> values() const;

  Tensor clone() const;
  /// The same elements under another shape of equal size.
  Tensor reshaped(Shape shape) const;

 private:
  DType dtype_ = DType::kFloat32;
  Shape shape_;
  std::shared_ptr<void> data_;
};

}  // namespace xinfer
