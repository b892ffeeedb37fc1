#include "lower/constants.h"

#include "core/thread_pool.h"
#include "kernels/movement/movement.h"

namespace xinfer::lower {

Tensor permuted(const Tensor& tensor, const std::vector<std::int64_t>& axes) {
  const std::vector<int> permutation(axes.begin(), axes.end());
  Shape shape;
  for (const std::int64_t axis : axes) {
    shape.push_back(tensor.shape()[static_cast<std::size_t>(axis)]);
  }
  Tensor result(tensor.dtype(), std::move(shape));
  ThreadPool pool(1);
  kernels::transpose(static_cast<int>(size_of(tensor.dtype())), tensor.shape(), permutation,
                     tensor.data(), result.data(), pool);
  return result;
}

}  // namespace xinfer::lower
