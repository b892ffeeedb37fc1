// The scalar definition of quantisation: scales and QuantizeLinear / DequantizeLinear with zero
// point 0. Kernels are tested against these functions by equality. docs/numerics.md, "Quantise".
#pragma once

#include <cstdint>

#include "xinfer/core/dtype.h"

namespace xinfer::quant {

/// Smallest and largest value of an INT8 grid: [-128, 127] for kInt8, [0, 255] for kUInt8.
struct GridLimits {
  std::int32_t min;
  std::int32_t max;
};
constexpr GridLimits limits_of(DType dtype) {
  return dtype == DType::kUInt8 ? GridLimits{0, 255} : GridLimits{-128, 127};
}

/// fl32(threshold / 127): the scale that ranges and calibration caches hold.
float s8_scale(double threshold);

/// fl32(scale * 127 / 255): the finer step of the same threshold for a value known to be >= 0.
float u8_scale(float s8_scale);

/// The scale of a value stored as `dtype` (kInt8 or kUInt8) whose range holds `s8_scale`.
float scale_for(float s8_scale, DType dtype);

/// True for a scale that an engine may hold: finite, positive and not subnormal.
bool is_usable_scale(float scale);

/// clamp(round_half_even(fl32(x / scale)), limits of dtype); the clamp comes first, as float, so
/// that infinities saturate. NaN gives the grid's minimum. `scale` must be usable.
std::int32_t quantize(float x, float scale, DType dtype);

/// fl32(q * scale).
float dequantize(std::int32_t q, float scale);

}  // namespace xinfer::quant
