// NumPy broadcasting as strided loops.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "core/status.h"
#include "kernels/movement/strided_loop.h"

namespace xinfer::kernels {

/// A loop over the broadcast shape of the inputs. Operands 0 … kInputs - 1 are the dense inputs
/// with stride 0 along repeated dimensions, the last operand is the dense output. The dimensions
/// are aligned at the end, as NumPy and ONNX do. Fails with `invalid_argument` if two dimensions
/// differ and neither is 1, or if the rank exceeds kMaxRank.
template <int kInputs>
Result<StridedLoop<kInputs + 1>> broadcast(const std::span<const std::int64_t> (&inputs)[kInputs]) {
  StridedLoop<kInputs + 1> loop;
  for (const auto& dims : inputs) loop.rank = std::max(loop.rank, static_cast<int>(dims.size()));
  if (loop.rank > kMaxRank) {
    return unsupported("broadcasting of rank {}; supported: up to {}", loop.rank, kMaxRank);
  }
  std::fill_n(loop.dims, loop.rank, std::int64_t{1});
  for (int k = 0; k < kInputs; ++k) {
    const auto& dims = inputs[k];
    const int missing = loop.rank - static_cast<int>(dims.size());
    std::int64_t strides[kMaxRank];
    dense_strides(static_cast<int>(dims.size()), dims.data(), strides);
    for (int d = missing; d < loop.rank; ++d) {
      const std::int64_t dim = dims[static_cast<std::size_t>(d - missing)];
      if (dim == 1) continue;
      if (loop.dims[d] != 1 && loop.dims[d] != dim) {
        return invalid_argument(
            "cannot broadcast: dimension {} is {} in one input and {} in another", d, loop.dims[d],
            dim);
      }
      loop.dims[d] = dim;
      loop.strides[k][d] = strides[d - missing];
    }
  }
  dense_strides(loop.rank, loop.dims, loop.strides[kInputs]);
  return loop;
}

}  // namespace xinfer::kernels
