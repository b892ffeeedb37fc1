// Biases of INT8 layers as whole numbers of the steps that their int32 sums count.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace xinfer::quant {

/// What a Q/DQ model holds for a bias: bias[n] is DequantizeLinear's fl32(float(steps[n]) *
/// scales[n]).
struct GriddedBias {
  std::vector<std::int32_t> steps;
  std::vector<float> scales;  ///< fl32(s_x * s_w[n])

  std::vector<float> values() const;
};

/// Every bias rounded, half to even, to the grid of its channel's sums; nothing where one of them
/// leaves int32. `bias` has one entry per weight scale.
std::optional<GriddedBias> grid_bias(std::span<const float> bias, float x_scale,
                                     std::span<const float> weight_scales);

}  // namespace xinfer::quant
