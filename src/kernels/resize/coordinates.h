// Where the outputs of a resized dimension come from: indices and weights, computed in double.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/resize/resize.h"

namespace xinfer::kernels {

/// True if the dimension is copied as it is.
bool is_identity(const ResizeAxis& axis, CoordinateMode mode);

/// For every output index the input index of nearest mode, clamped to the input; -1 where
/// tf_crop_and_resize extrapolates.
std::vector<std::int64_t> nearest_indices(const ResizeAxis& axis, const ResizeParameters& p);

/// For every output index `taps` input indices (clamped to the input) and weights.
struct ResizeTaps {
  std::int64_t taps = 0;
  std::vector<std::int64_t> indices;  ///< [out][taps]
  std::vector<float> weights;         ///< [out][taps]
  std::vector<bool> extrapolated;     ///< [out]
};
ResizeTaps interpolation_taps(const ResizeAxis& axis, const ResizeParameters& p);

}  // namespace xinfer::kernels
