#include "import/slice_range.h"

#include "import/bounds.h"

namespace xinfer::import {
namespace {

using ir::Dim;

bool never_exceeds(const Dim& a, const Dim& b) {
  const auto low = lower_bound(b - a);
  return low && *low >= 0;
}

Dim lesser(const Dim& a, const Dim& b) {
  if (never_exceeds(a, b)) return a;
  if (never_exceeds(b, a)) return b;
  return ir::min(a, b);
}

Dim greater(const Dim& a, const Dim& b) {
  if (never_exceeds(a, b)) return b;
  if (never_exceeds(b, a)) return a;
  return ir::max(a, b);
}

Dim clamp(const Dim& value, const Dim& low, const Dim& high) {
  return greater(low, lesser(value, high));
}

/// No dimension comes near this; exporters write 10^9, INT32_MAX or INT64_MAX for "to the end".
constexpr std::int64_t kFar = 1'000'000'000;

bool is_far(const Dim& bound) { return bound.is_constant() && bound.constant() >= kFar; }

bool is_far_before(const Dim& bound) { return bound.is_constant() && bound.constant() <= -kFar; }

/// Position of a bound, possibly outside the axis; -1 for anything far before it.
Dim position(const Dim& bound, const Dim& extent) {
  if (is_far(bound)) return extent;
  if (is_far_before(bound)) return Dim(-1);
  const auto below_zero = lower_bound(Dim(-1) - bound);
  if (below_zero && *below_zero >= 0) return bound + extent;
  return bound;  // of unknown sign: shape arithmetic gives dimensions, which are not negative
}

}  // namespace

SliceRange slice_range(const Dim& extent, const Dim& start, const Dim& end, std::int64_t step) {
  const Dim from = position(start, extent);
  const Dim to = position(end, extent);
  SliceRange range;
  range.step = step;
  if (extent == Dim(0)) return range;
  if (step > 0) {
    range.start = clamp(from, Dim(0), extent);
    const Dim stop = clamp(to, Dim(0), extent);
    range.size = greater(Dim(0), ir::ceildiv(stop - range.start, Dim(step)));
  } else {
    range.start = clamp(from, Dim(0), extent - Dim(1));
    const Dim stop = clamp(to, Dim(-1), extent - Dim(1));
    range.size = greater(Dim(0), ir::ceildiv(range.start - stop, Dim(-step)));
  }
  return range;
}

}  // namespace xinfer::import
