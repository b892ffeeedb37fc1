// A tensor of a plan while shapes are bound: where it lies and what its dimensions are now.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "xinfer/core/dtype.h"
#include "xinfer/core/tensor.h"

namespace xinfer::runtime {

/// Does not own its memory. Dimensions are physical: channels last where the kernels want it.
struct TensorView {
  void* data = nullptr;
  DType dtype = DType::kFloat32;
  float scale = 0;  ///< quantised: real = q * scale; else 0
  std::vector<std::int64_t> dims;
  /// Elements from one pixel (everything but the last axis) to the next; larger than the last
  /// dimension for a channel slice of another tensor.
  std::int64_t pixel_stride = 1;

  std::int64_t size() const {
    std::int64_t count = 1;
    for (std::int64_t dim : dims) count *= dim;
    return count;
  }
  /// Size of the last axis; 1 for a scalar.
  std::int64_t channels() const { return dims.empty() ? 1 : dims.back(); }
  /// Everything before the last axis.
  std::int64_t pixels() const { return channels() == 0 ? 0 : size() / channels(); }
  bool is_dense() const { return pixel_stride == channels(); }
  /// Bytes of its elements.
  std::size_t size_bytes() const { return static_cast<std::size_t>(size()) * size_of(dtype); }
  /// Bytes of memory that it spans, gaps between pixels included.
  std::size_t extent_bytes() const {
    return is_dense() ? size_bytes()
                      : static_cast<std::size_t>(pixels() * pixel_stride) * size_of(dtype);
  }
};

/// The view's real values, dense; empty for types that are neither float32 nor quantised.
Tensor real_values(const TensorView& view);

}  // namespace xinfer::runtime
