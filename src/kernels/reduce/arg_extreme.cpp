// ArgMax, ArgMin and TopK.
#include <algorithm>

#include "kernels/elementwise/dispatch.h"
#include "kernels/reduce/reduce.h"

namespace xinfer::kernels {
namespace {

constexpr std::int64_t kGrainElements = 1 << 14;

/// Calls visit(o * inner + i, first element's offset) for every line along the axis, on all
/// threads.
template <typename Visit>
void for_lines(std::int64_t outer, std::int64_t axis, std::int64_t inner, ThreadPool& pool,
               const Visit& visit) {
  pool.parallel_ranges(
      static_cast<std::size_t>(outer * inner),
      static_cast<std::size_t>(kGrainElements / std::max<std::int64_t>(axis, 1) + 1),
      [&](std::size_t begin, std::size_t end) {
        for (auto i = static_cast<std::int64_t>(begin); i < static_cast<std::int64_t>(end); ++i) {
          visit(i, i / inner * axis * inner + i % inner);
        }
      });
}

template <typename T>
void arg_lines(bool largest, std::int64_t outer, std::int64_t axis, std::int64_t inner,
               bool select_last, const T* x, std::int64_t* y, ThreadPool& pool) {
  for_lines(outer, axis, inner, pool, [&](std::int64_t line, std::int64_t base) {
    ComputeType<T> best = x[base];
    std::int64_t where = 0;
    for (std::int64_t k = 1; k < axis; ++k) {
      const ComputeType<T> value = x[base + k * inner];
      const bool better = largest ? value > best : value < best;
      if (better || (select_last && value == best)) {
        best = value;
        where = k;
      }
    }
    y[line] = where;
  });
}

/// Sorts the indices [0, axis) of one line so that the first k are the best in order.
template <typename T>
void best_indices(bool largest, std::int64_t k, std::span<std::int64_t> order, const T* line,
                  std::int64_t stride) {
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int64_t>(i);
  std::partial_sort(order.begin(), order.begin() + k, order.end(),
                    [&](std::int64_t p, std::int64_t q) {
                      const ComputeType<T> a = line[p * stride], b = line[q * stride];
                      if (a != b) return largest ? a > b : a < b;
                      return p < q;
                    });
}

}  // namespace

Status arg_extreme(bool largest, DType dtype, std::int64_t outer, std::int64_t axis,
                   std::int64_t inner, bool select_last, const void* x, std::int64_t* y,
                   ThreadPool& pool) {
  if (axis == 0 && outer * inner > 0) {
    return invalid_argument("{} over an axis of 0 elements", largest ? "ArgMax" : "ArgMin");
  }
  return visit_dtype(dtype, [&]<typename T>() -> Status {
    if constexpr (std::is_same_v<T, bool>) {
      return unsupported("{} of bool is not defined", largest ? "ArgMax" : "ArgMin");
    } else {
      arg_lines(largest, outer, axis, inner, select_last, static_cast<const T*>(x), y, pool);
      return {};
    }
  });
}

Status top_k(bool largest, DType dtype, std::int64_t outer, std::int64_t axis, std::int64_t inner,
             std::int64_t k, const void* x, void* values, std::int64_t* indices,
             std::span<std::int64_t> scratch, ThreadPool& pool) {
  if (k < 0 || k > axis) {
    return invalid_argument("TopK with k = {} over an axis of {} elements", k, axis);
  }
  const auto needed = static_cast<std::size_t>(pool.threads() * axis);
  if (scratch.size() < needed) {
    return internal_error("TopK scratch has {} elements; needed: {}", scratch.size(), needed);
  }
  const std::int64_t lines = outer * inner;
  const std::int64_t threads = std::min<std::int64_t>(pool.threads(), lines);
  return visit_dtype(dtype, [&]<typename T>() -> Status {
    if constexpr (std::is_same_v<T, bool>) {
      return unsupported("TopK of bool is not defined");
    } else {
      // One part a thread, each with its own scratch.
      pool.parallel_for(static_cast<std::size_t>(threads), [&](std::size_t part) {
        const auto order =
            scratch.subspan(part * static_cast<std::size_t>(axis), static_cast<std::size_t>(axis));
        const auto p = static_cast<std::int64_t>(part);
        for (std::int64_t i = lines * p / threads; i < lines * (p + 1) / threads; ++i) {
          const T* line = static_cast<const T*>(x) + i / inner * axis * inner + i % inner;
          best_indices(largest, k, order, line, inner);
          for (std::int64_t j = 0; j < k; ++j) {
            const std::int64_t from = order[static_cast<std::size_t>(j)];
            const std::int64_t to = (i / inner * k + j) * inner + i % inner;
            static_cast<T*>(values)[to] = line[from * inner];
            indices[to] = from;
          }
        }
      });
      return {};
    }
  });
}

}  // namespace xinfer::kernels
