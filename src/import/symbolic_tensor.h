// Small tensors whose elements are known at import, as numbers or as expressions over symbols.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "import/number.h"
#include "xinfer/core/tensor.h"

namespace xinfer::import {

/// Tensors with more elements are data, not shape arithmetic, and are left to the graph.
inline constexpr std::int64_t kMaxSymbolicElements = 4096;

struct SymbolicTensor {
  DType dtype = DType::kInt64;
  Shape shape;
  std::vector<Number> elements;  ///< row-major

  bool is_constant() const;
};

/// Nothing if the tensor is too large or of a type that shape arithmetic does not know.
std::optional<SymbolicTensor> to_symbolic(const Tensor& tensor);

/// Only for a constant.
Tensor to_tensor(const SymbolicTensor& symbolic);

/// NumPy's common shape, or nothing if there is none.
std::optional<Shape> broadcast(const Shape& a, const Shape& b);

/// Row-major index into a tensor of `shape` of the element that broadcasting puts at flat position
/// `index` of `target`.
std::int64_t broadcast_index(const Shape& shape, const Shape& target, std::int64_t index);

}  // namespace xinfer::import
