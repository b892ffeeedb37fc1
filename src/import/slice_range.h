// The meaning of one axis of a Slice, over symbolic dimensions.
#pragma once

#include "ir/dim.h"

namespace xinfer::import {

/// Elements start, start + step, … (`size` of them).
struct SliceRange {
  ir::Dim start, size;
  std::int64_t step = 1;
};

/// ONNX's (NumPy's) start, end and step on an axis of `extent` elements: negative bounds count from
/// the end, bounds beyond the axis are clamped. `step` is not 0.
SliceRange slice_range(const ir::Dim& extent, const ir::Dim& start, const ir::Dim& end,
                       std::int64_t step);

}  // namespace xinfer::import
