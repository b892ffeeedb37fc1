// Normalisation of one row for one instruction set; see elementwise/isa_namespace.h.
#pragma once

#include <cstdint>

#include "kernels/elementwise/lanes.h"
#include "kernels/normalize/normalize.h"

namespace xinfer::kernels {

using RowNormLoop = void (*)(const RowNormParameters& p, const float* x, void* y);
using AffineLoop = void (*)(const float* scale, const float* bias, const float* x, float* y,
                            std::int64_t n);

/// Indexed by [y]: 0 = float32, 1 = s8, 2 = u8.
struct NormLoops {
  RowNormLoop layer[3];
  RowNormLoop rms[3];
  AffineLoop affine;
};
namespace portable {
extern const NormLoops kNormLoops;
}
namespace avx2 {
extern const NormLoops kNormLoops;
}
namespace avx512vnni {
extern const NormLoops kNormLoops;
}

namespace XINFER_ISA_NAMESPACE {

/// Writes fma((x - mean) * r, scale, bias), or without the parts that are null.
template <typename Y>
inline void write_row(const RowNormParameters& p, const float* x, void* y_bytes, float mean,
                      float r) {
  Y* y = static_cast<Y*>(y_bytes);
  const float* scale = p.scale;
  const float* bias = p.bias;
  const std::int64_t n = p.n;
  const float y_scale = p.y_scale;
  if (scale != nullptr && bias != nullptr) {
    XINFER_IN_PLACE_LOOP
    for (std::int64_t i = 0; i < n; ++i) {
      y[i] = store_scaled<Y>(fma((x[i] - mean) * r, scale[i], bias[i]), y_scale);
    }
  } else if (scale != nullptr) {
    XINFER_IN_PLACE_LOOP
    for (std::int64_t i = 0; i < n; ++i) {
      y[i] = store_scaled<Y>((x[i] - mean) * r * scale[i], y_scale);
    }
  } else {
    XINFER_IN_PLACE_LOOP
    for (std::int64_t i = 0; i < n; ++i) {
      const float value = (x[i] - mean) * r;
      y[i] = store_scaled<Y>(bias != nullptr ? value + bias[i] : value, y_scale);
    }
  }
}

template <typename Y>
void layer_norm_row(const RowNormParameters& p, const float* x, void* y) {
  const float count = static_cast<float>(p.n);
  const float mean = lane_sum(p.n, x) / count;
  const float variance = lane_sum(p.n, x,
                                  [mean](auto v) {
                                    const auto d = v - mean;
                                    return d * d;
                                  }) /
                         count;
  write_row<Y>(p, x, y, mean, 1.0f / __builtin_sqrtf(variance + p.epsilon));
}

template <typename Y>
void rms_norm_row(const RowNormParameters& p, const float* x, void* y) {
  const float square = lane_sum(p.n, x, [](auto v) { return v * v; }) / static_cast<float>(p.n);
  RowNormParameters unbiased = p;
  unbiased.bias = nullptr;
  write_row<Y>(unbiased, x, y, 0.0f, 1.0f / __builtin_sqrtf(square + p.epsilon));
}

inline void affine_row(const float* scale, const float* bias, const float* x, float* y,
                       std::int64_t n) {
  XINFER_IN_PLACE_LOOP
  for (std::int64_t i = 0; i < n; ++i) y[i] = fma(x[i], scale[i], bias[i]);
}

using S8 = std::int8_t;
using U8 = std::uint8_t;
const NormLoops kNormLoops = {{layer_norm_row<float>, layer_norm_row<S8>, layer_norm_row<U8>},
                              {rms_norm_row<float>, rms_norm_row<S8>, rms_norm_row<U8>},
                              affine_row};

}  // namespace XINFER_ISA_NAMESPACE
}  // namespace xinfer::kernels
