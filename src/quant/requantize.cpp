#include "quant/requantize.h"

namespace xinfer::quant {

RequantizeConstants requantize_constants(float x_scale, std::span<const float> weight_scales,
                                         float y_scale, std::span<const float> bias) {
  RequantizeConstants constants;
  constants.multiplier.reserve(weight_scales.size());
  constants.bias.reserve(weight_scales.size());
  const double y = y_scale;
  for (std::size_t n = 0; n < weight_scales.size(); ++n) {
    // The product of two floats is exact in double.
    const double product = static_cast<double>(x_scale) * weight_scales[n];
    constants.multiplier.push_back(static_cast<float>(product / y));
    constants.bias.push_back(bias.empty() ? 0.0f : static_cast<float>(bias[n] / y));
  }
  return constants;
}

RequantizeConstants dequantize_constants(float x_scale, std::span<const float> weight_scales,
                                         std::span<const float> bias) {
  return requantize_constants(x_scale, weight_scales, 1.0f, bias);
}

float rescale_factor(double numerator, float y_scale) {
  return static_cast<float>(numerator / static_cast<double>(y_scale));
}

float average_factor(float x_scale, float y_scale, std::int64_t count) {
  const double divisor = static_cast<double>(y_scale) * static_cast<double>(count);
  return static_cast<float>(static_cast<double>(x_scale) / divisor);
}

}  // namespace xinfer::quant
