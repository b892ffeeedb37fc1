#include "quant/bias.h"

#include <cmath>

namespace xinfer::quant {
namespace {

constexpr double kLargestStep = 2147483647.0;

}  // namespace

std::vector<float> GriddedBias::values() const {
  std::vector<float> values(steps.size());
  for (std::size_t n = 0; n < steps.size(); ++n) {
    values[n] = static_cast<float>(steps[n]) * scales[n];
  }
  return values;
}

std::optional<GriddedBias> grid_bias(std::span<const float> bias, float x_scale,
                                     std::span<const float> weight_scales) {
  GriddedBias result;
  for (std::size_t n = 0; n < weight_scales.size(); ++n) {
    const float scale = x_scale * weight_scales[n];
    const double step = std::nearbyint(static_cast<double>(bias[n]) / static_cast<double>(scale));
    // Written so that NaN, of a product of scales that is 0, is refused too.
    if (!(std::fabs(step) <= kLargestStep)) return std::nullopt;
    result.steps.push_back(static_cast<std::int32_t>(step));
    result.scales.push_back(scale);
  }
  return result;
}

}  // namespace xinfer::quant
