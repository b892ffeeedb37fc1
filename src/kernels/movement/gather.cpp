// Gather and GatherElements: indices are checked before anything is copied.
#include <cstring>

#include "kernels/movement/movement.h"

namespace xinfer::kernels {
namespace {

template <typename I>
Status check_indices(std::int64_t count, const I* indices, std::int64_t axis) {
  for (std::int64_t i = 0; i < count; ++i) {
    const auto index = static_cast<std::int64_t>(indices[i]);
    if (index < -axis || index >= axis) {
      return invalid_argument("gather index {} at position {} is outside [{}, {})", index, i, -axis,
                              axis);
    }
  }
  return {};
}

}  // namespace

template <typename I>
Status gather(int element_bytes, std::int64_t outer, std::int64_t axis, std::int64_t inner,
              std::int64_t count, const I* indices, const void* x, void* y, ThreadPool& pool) {
  XINFER_RETURN_IF_ERROR(check_indices(count, indices, axis));
  const std::int64_t bytes = inner * element_bytes;
  if (outer * count * bytes == 0) return {};
  const std::size_t grain = (1 << 17) / static_cast<std::size_t>(bytes) + 1;
  pool.parallel_ranges(
      static_cast<std::size_t>(outer * count), grain, [&](std::size_t begin, std::size_t end) {
        for (auto i = static_cast<std::int64_t>(begin); i < static_cast<std::int64_t>(end); ++i) {
          auto index = static_cast<std::int64_t>(indices[i % count]);
          if (index < 0) index += axis;
          std::memcpy(static_cast<char*>(y) + i * bytes,
                      static_cast<const char*>(x) + (i / count * axis + index) * bytes,
                      static_cast<std::size_t>(bytes));
        }
      });
  return {};
}

template <typename I>
Status gather_elements(int element_bytes, int axis, DimSpan x_dims, DimSpan index_dims,
                       const I* indices, const void* x, void* y) {
  const int rank = static_cast<int>(x_dims.size());
  std::int64_t x_strides[kMaxRank];
  dense_strides(rank, x_dims.data(), x_strides);
  std::int64_t total = 1;
  for (std::int64_t dim : index_dims) total *= dim;
  const std::int64_t axis_size = x_dims[static_cast<std::size_t>(axis)];
  XINFER_RETURN_IF_ERROR(check_indices(total, indices, axis_size));
  const auto bytes = static_cast<std::size_t>(element_bytes);
  for (std::int64_t i = 0; i < total; ++i) {
    std::int64_t rest = i, at = 0;
    for (int d = rank - 1; d >= 0; --d) {
      const std::int64_t dim = index_dims[static_cast<std::size_t>(d)];
      if (d != axis) at += rest % dim * x_strides[d];
      rest /= dim;
    }
    auto index = static_cast<std::int64_t>(indices[i]);
    if (index < 0) index += axis_size;
    at += index * x_strides[axis];
    std::memcpy(static_cast<char*>(y) + i * element_bytes,
                static_cast<const char*>(x) + at * element_bytes, bytes);
  }
  return {};
}

template Status gather<std::int32_t>(int, std::int64_t, std::int64_t, std::int64_t, std::int64_t,
                                     const std::int32_t*, const void*, void*, ThreadPool&);
template Status gather<std::int64_t>(int, std::int64_t, std::int64_t, std::int64_t, std::int64_t,
                                     const std::int64_t*, const void*, void*, ThreadPool&);
template Status gather_elements<std::int32_t>(int, int, DimSpan, DimSpan, const std::int32_t*,
                                              const void*, void*);
template Status gather_elements<std::int64_t>(int, int, DimSpan, DimSpan, const std::int64_t*,
                                              const void*, void*);

}  // namespace xinfer::kernels
