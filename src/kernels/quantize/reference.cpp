// Conversions straight from their formulas, for tests.
#include <cmath>
#include <cstdint>

#include "kernels/quantize/quantize.h"

namespace xinfer::kernels {
namespace {

std::int64_t offset(const ConvertShape& s, ChannelOrder order, std::int64_t pixel_stride,
                    std::int64_t n, std::int64_t p, std::int64_t c) {
  return order == ChannelOrder::kPlanar ? (n * s.channels + c) * s.pixels + p
                                        : (n * s.pixels + p) * pixel_stride + c;
}

float load(DType dtype, const void* x, std::int64_t at) {
  if (dtype == DType::kFloat32) return static_cast<const float*>(x)[at];
  if (dtype == DType::kInt8) return static_cast<const std::int8_t*>(x)[at];
  return static_cast<const std::uint8_t*>(x)[at];
}

void store(DType dtype, void* y, std::int64_t at, float value) {
  if (dtype == DType::kFloat32) {
    static_cast<float*>(y)[at] = value;
  } else if (dtype == DType::kInt8) {
    const float clamped = std::fmin(std::fmax(value, -128.0f), 127.0f);
    static_cast<std::int8_t*>(y)[at] = static_cast<std::int8_t>(std::nearbyint(clamped));
  } else {
    const float clamped = std::fmin(std::fmax(value, 0.0f), 255.0f);
    static_cast<std::uint8_t*>(y)[at] = static_cast<std::uint8_t>(std::nearbyint(clamped));
  }
}

}  // namespace

void convert_reference(const ConvertShape& s, DType x_dtype, const void* x, DType y_dtype, void* y,
                       float factor) {
  for (std::int64_t n = 0; n < s.batch; ++n) {
    for (std::int64_t p = 0; p < s.pixels; ++p) {
      for (std::int64_t c = 0; c < s.channels; ++c) {
        const float value = load(x_dtype, x, offset(s, s.x_order, s.x_pixel_stride, n, p, c));
        float result = value;
        if (x_dtype == DType::kFloat32 && y_dtype != DType::kFloat32) result = value / factor;
        if (x_dtype != DType::kFloat32) result = value * factor;
        store(y_dtype, y, offset(s, s.y_order, s.y_pixel_stride, n, p, c), result);
      }
    }
  }
}

}  // namespace xinfer::kernels
