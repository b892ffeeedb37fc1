// Cumulative sums, in the order of the axis.
#include "kernels/elementwise/binary_ops.h"
#include "kernels/reduce/reduce.h"

namespace xinfer::kernels {
namespace {

template <typename T>
void sum_line(const T* x, T* y, std::int64_t n, std::int64_t stride, bool exclusive, bool reverse) {
  T total{};
  for (std::int64_t k = 0; k < n; ++k) {
    const std::int64_t at = (reverse ? n - 1 - k : k) * stride;
    const T next = ops::Add::apply(total, x[at]);
    y[at] = exclusive ? total : next;
    total = next;
  }
}

}  // namespace

Status cumulative_sum(DType dtype, std::int64_t outer, std::int64_t axis, std::int64_t inner,
                      bool exclusive, bool reverse, const void* x, void* y, ThreadPool& pool) {
  return visit_dtype(dtype, [&]<typename T>() -> Status {
    if constexpr (std::is_same_v<T, bool>) {
      return unsupported("CumSum of bool is not defined");
    } else {
      pool.parallel_ranges(static_cast<std::size_t>(outer * inner), 256,
                           [&](std::size_t begin, std::size_t end) {
                             for (auto i = static_cast<std::int64_t>(begin);
                                  i < static_cast<std::int64_t>(end); ++i) {
                               const std::int64_t at = i / inner * axis * inner + i % inner;
                               sum_line(static_cast<const T*>(x) + at, static_cast<T*>(y) + at,
                                        axis, inner, exclusive, reverse);
                             }
                           });
      return {};
    }
  });
}

}  // namespace xinfer::kernels
