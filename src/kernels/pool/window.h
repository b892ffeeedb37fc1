// The part of a pooling window that lies inside the input.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/pool/pool.h"

namespace xinfer::kernels {

/// Along one axis: the first real element, the number of real ones, and the number inside the
/// padded input (for count_include_pad).
struct PoolSpan {
  std::int64_t first = 0;
  std::int64_t count = 0;
  std::int64_t padded_count = 0;
};

inline PoolSpan pool_span(const PoolAxis& axis, std::int64_t out) {
  const std::int64_t start = out * axis.stride - axis.pad_begin;
  const auto taps_below = [&](std::int64_t limit) {  // taps with start + k * dilation < limit
    if (limit <= start) return std::int64_t{0};
    if (axis.dilation == 1) return std::min(axis.kernel, limit - start);  // spares a division
    return std::min(axis.kernel, (limit - start + axis.dilation - 1) / axis.dilation);
  };
  const std::int64_t before = taps_below(0);
  PoolSpan span;
  span.first = start + before * axis.dilation;
  span.count = std::max(taps_below(axis.in) - before, std::int64_t{0});
  span.padded_count = taps_below(axis.in + axis.pad_end);
  return span;
}

}  // namespace xinfer::kernels
