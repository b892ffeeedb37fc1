#include "lower/constants.h"

#include <cstring>

namespace xinfer::lower {

Tensor permuted(const Tensor& tensor, const std::vector<std::int64_t>& axes) {
  const std::size_t rank = axes.size();
  bool identity = true;
  for (std::size_t i = 0; i < rank; ++i)
    identity = identity && axes[i] == static_cast<std::int64_t>(i);
  if (identity) return tensor;

  std::vector<std::int64_t> strides(rank, 1);
  for (std::size_t i = rank; i-- > 1;) strides[i - 1] = strides[i] * tensor.shape()[i];
  Shape shape(rank);
  std::vector<std::int64_t> steps(rank);
  for (std::size_t i = 0; i < rank; ++i) {
    shape[i] = tensor.shape()[static_cast<std::size_t>(axes[i])];
    steps[i] = strides[static_cast<std::size_t>(axes[i])];
  }
  Tensor result(tensor.dtype(), shape);
  const std::size_t bytes = size_of(tensor.dtype());
  const auto* from = static_cast<const char*>(tensor.data());
  auto* to = static_cast<char*>(result.data());
  std::vector<std::int64_t> index(rank, 0);
  for (std::int64_t i = 0; i < result.size(); ++i) {
    std::int64_t at = 0;
    for (std::size_t axis = 0; axis < rank; ++axis) at += index[axis] * steps[axis];
    std::memcpy(to, from + static_cast<std::size_t>(at) * bytes, bytes);
    to += bytes;
    for (std::size_t axis = rank; axis-- > 0;) {
      if (++index[axis] < shape[axis]) break;
      index[axis] = 0;
    }
  }
  return result;
}

}  // namespace xinfer::lower
