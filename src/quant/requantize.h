// Constants of a rounding region's epilogue, each computed in double and rounded to float once.
// docs/numerics.md, "Rounding regions"; the data form is kernels/epilogue.h.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace xinfer::quant {

/// y = fma(float(acc), multiplier[n], bias[n]).
struct RequantizeConstants {
  std::vector<float> multiplier;
  std::vector<float> bias;
};

/// For an INT8 output of scale `y_scale`: multiplier[n] = s_x * s_w[n] / s_y, bias[n] / s_y.
/// `bias` may be empty (zeros), else has one entry per weight scale.
RequantizeConstants requantize_constants(float x_scale, std::span<const float> weight_scales,
                                         float y_scale, std::span<const float> bias);

/// For a float output: multiplier[n] = s_x * s_w[n], bias[n] unchanged.
RequantizeConstants dequantize_constants(float x_scale, std::span<const float> weight_scales,
                                         std::span<const float> bias);

/// fl32(s_r / s_y): the factor of a residual, of a table's output, or of a clip bound (c / s_y).
float rescale_factor(double numerator, float y_scale);

/// fl32(s_x / (s_y * count)): the factor of an average over `count` elements.
float average_factor(float x_scale, float y_scale, std::int64_t count);

}  // namespace xinfer::quant
