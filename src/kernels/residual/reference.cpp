// INT8 addition and multiplication straight from the formulas, for tests.
#include <cmath>

#include "kernels/residual/residual.h"

namespace xinfer::kernels {
namespace {

/// max, then min; of equal operands (-0 and 0) the bound.
float clamp(float value, float low, float high) {
  value = value > low ? value : low;
  return value < high ? value : high;
}

float load(DType dtype, const void* x, std::int64_t at) {
  if (dtype == DType::kInt8) return static_cast<const std::int8_t*>(x)[at];
  return static_cast<const std::uint8_t*>(x)[at];
}

void store(DType dtype, void* y, std::int64_t at, float value) {
  if (dtype == DType::kFloat32) {
    static_cast<float*>(y)[at] = value;
  } else if (dtype == DType::kInt8) {
    const float clamped = clamp(value, -128.0f, 127.0f);
    static_cast<std::int8_t*>(y)[at] = static_cast<std::int8_t>(std::nearbyint(clamped));
  } else {
    const float clamped = clamp(value, 0.0f, 255.0f);
    static_cast<std::uint8_t*>(y)[at] = static_cast<std::uint8_t>(std::nearbyint(clamped));
  }
}

}  // namespace

void residual_reference(const ResidualShape& s, const ResidualParameters& p, const void* a,
                        const void* b, void* y) {
  for (std::int64_t n = 0; n < s.batch; ++n) {
    for (std::int64_t pixel = 0; pixel < s.pixels; ++pixel) {
      for (std::int64_t c = 0; c < s.channels; ++c) {
        const std::int64_t row = n * s.pixels + pixel;
        const float fa = load(p.a_dtype, a, row * s.a_pixel_stride + c);
        const float fb = load(p.b_dtype, b, n * s.b_batch_stride + pixel * s.b_pixel_stride + c);
        const float value = p.op == ResidualOp::kMultiply
                                ? fa * fb * p.a_factor
                                : std::fma(fa, p.a_factor, std::fma(fb, p.b_factor, 0.0f));
        store(p.y_dtype, y, row * s.y_pixel_stride + c, clamp(value, p.clip_low, p.clip_high));
      }
    }
  }
}

}  // namespace xinfer::kernels
