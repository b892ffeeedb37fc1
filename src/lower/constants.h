// Rearranging constant tensors at build time.
#pragma once

#include <cstdint>
#include <vector>

#include "xinfer/core/tensor.h"

namespace xinfer::lower {

/// The tensor with its axes in another order: result axis i is axis `axes[i]` of `tensor`.
Tensor permuted(const Tensor& tensor, const std::vector<std::int64_t>& axes);

}  // namespace xinfer::lower
