#include "quant/quantize.h"

#include <algorithm>
#include <cmath>

namespace xinfer::quant {

float s8_scale(double threshold) { return static_cast<float>(threshold / 127.0); }

float u8_scale(float s8_scale) {
  return static_cast<float>(static_cast<double>(s8_scale) * 127.0 / 255.0);
}

float scale_for(float s8_scale, DType dtype) {
  return dtype == DType::kUInt8 ? u8_scale(s8_scale) : s8_scale;
}

bool is_usable_scale(float scale) { return scale > 0.0f && std::isnormal(scale); }

std::int32_t quantize(float x, float scale, DType dtype) {
  const GridLimits grid = limits_of(dtype);
  const float low = static_cast<float>(grid.min);
  const float high = static_cast<float>(grid.max);
  // std::max(low, NaN) is low, as maxps with the limit as its second operand.
  const float clamped = std::min(high, std::max(low, x / scale));
  return static_cast<std::int32_t>(std::nearbyint(clamped));
}

float dequantize(std::int32_t q, float scale) { return static_cast<float>(q) * scale; }

}  // namespace xinfer::quant
