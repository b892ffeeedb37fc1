// One output row of an interpolation for one instruction set; see elementwise/isa_namespace.h.
#pragma once

#include <cstdint>

#include "kernels/elementwise/float_math.h"

namespace xinfer::kernels {

/// y[0, n) = weighted sum of the rows x[indices[k] * n …], times factor where X is INT8 and this is
/// the last pass (`factor` is ignored by float32 outputs of inner passes, which get 1).
using ResizeLoop = void (*)(const void* x, const std::int64_t* indices, const float* weights,
                            std::int64_t taps, void* y, std::int64_t n, float factor);

/// Indexed by [x][y]: 0 = float32, 1 = s8, 2 = u8.
struct ResizeLoops {
  ResizeLoop loops[3][3];
};
namespace portable {
extern const ResizeLoops kResizeLoops;
}
namespace avx2 {
extern const ResizeLoops kResizeLoops;
}
namespace avx512vnni {
extern const ResizeLoops kResizeLoops;
}

namespace XINFER_ISA_NAMESPACE {

inline constexpr std::int64_t kResizeBlock = 64;

template <typename Y>
inline Y resize_store(float v, float factor) {
  const float y = v * factor;
  if constexpr (sizeof(Y) == 4) {
    return y;
  } else {
    return quantised<Y>(y);
  }
}

template <typename X, typename Y>
inline void resize_block(const X* x, const std::int64_t* indices, const float* weights,
                         std::int64_t taps, Y* y, std::int64_t stride, std::int64_t n,
                         float factor) {
  float v[kResizeBlock];
  const X* row = x + indices[0] * stride;
  for (std::int64_t i = 0; i < n; ++i) v[i] = weights[0] * static_cast<float>(row[i]);
  for (std::int64_t k = 1; k < taps; ++k) {
    row = x + indices[k] * stride;
    const float w = weights[k];
    for (std::int64_t i = 0; i < n; ++i) v[i] = fma(w, static_cast<float>(row[i]), v[i]);
  }
  for (std::int64_t i = 0; i < n; ++i) y[i] = resize_store<Y>(v[i], factor);
}

template <typename X, typename Y>
void resize_row(const void* x, const std::int64_t* indices, const float* weights, std::int64_t taps,
                void* y, std::int64_t n, float factor) {
  const X* from = static_cast<const X*>(x);
  Y* to = static_cast<Y*>(y);
  std::int64_t i = 0;
  for (; i + kResizeBlock <= n; i += kResizeBlock) {
    resize_block(from + i, indices, weights, taps, to + i, n, kResizeBlock, factor);
  }
  if (i < n) resize_block(from + i, indices, weights, taps, to + i, n, n - i, factor);
}

using S8 = std::int8_t;
using U8 = std::uint8_t;
const ResizeLoops kResizeLoops = {
    {{resize_row<float, float>, resize_row<float, S8>, resize_row<float, U8>},
     {resize_row<S8, float>, resize_row<S8, S8>, resize_row<S8, U8>},
     {resize_row<U8, float>, resize_row<U8, S8>, resize_row<U8, U8>}}};

}  // namespace XINFER_ISA_NAMESPACE
}  // namespace xinfer::kernels
