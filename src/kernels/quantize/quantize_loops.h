// Contiguous conversion loops for one instruction set; see elementwise/isa_namespace.h.
#pragma once

#include <cstdint>

#include "kernels/elementwise/float_math.h"
#include "kernels/quantize/quantize.h"

namespace xinfer::kernels {

/// y[3 i + c] = convert(x[c * plane + i]) for i in [0, n): three planes (an RGB image) to pixels.
using InterleaveLoop = void (*)(const void* x, std::int64_t plane, void* y, std::int64_t n,
                                float factor);

/// Indexed by [x][y] with 0 = float32, 1 = s8, 2 = u8; planes of float32 only.
struct ConvertLoops {
  ConvertLoop loops[3][3];
  InterleaveLoop interleave3_f32[3];
};
namespace portable {
extern const ConvertLoops kConvertLoops;
}
namespace avx2 {
extern const ConvertLoops kConvertLoops;
}
namespace avx512vnni {
extern const ConvertLoops kConvertLoops;
}

namespace XINFER_ISA_NAMESPACE {

template <typename T>
void quantize_loop(const void* x, void* y, std::int64_t n, float factor) {
  const float* __restrict from = static_cast<const float*>(x);
  T* __restrict to = static_cast<T*>(y);
  for (std::int64_t i = 0; i < n; ++i) to[i] = quantised<T>(from[i] / factor);
}

template <typename T>
void dequantize_loop(const void* x, void* y, std::int64_t n, float factor) {
  const T* __restrict from = static_cast<const T*>(x);
  float* __restrict to = static_cast<float*>(y);
  for (std::int64_t i = 0; i < n; ++i) to[i] = static_cast<float>(from[i]) * factor;
}

template <typename X, typename Y>
void requantize_loop(const void* x, void* y, std::int64_t n, float factor) {
  const X* from = static_cast<const X*>(x);
  Y* to = static_cast<Y*>(y);
  // Elements of the same size may share memory: each is read before it is written.
  XINFER_IN_PLACE_LOOP
  for (std::int64_t i = 0; i < n; ++i) to[i] = quantised<Y>(static_cast<float>(from[i]) * factor);
}

inline void copy_loop(const void* x, void* y, std::int64_t n, float) {
  if (x != y) __builtin_memcpy(y, x, static_cast<unsigned long>(n) * sizeof(float));
}

template <typename Y>
inline Y quantised_or_same(float x, float factor) {
  if constexpr (sizeof(Y) == 4) {
    return x;
  } else {
    return quantised<Y>(x / factor);
  }
}

template <typename Y>
void interleave3_loop(const void* x, std::int64_t plane, void* y, std::int64_t n, float factor) {
  const float* __restrict red = static_cast<const float*>(x);
  const float* __restrict green = red + plane;
  const float* __restrict blue = green + plane;
  Y* __restrict to = static_cast<Y*>(y);
  for (std::int64_t i = 0; i < n; ++i) {
    to[3 * i] = quantised_or_same<Y>(red[i], factor);
    to[3 * i + 1] = quantised_or_same<Y>(green[i], factor);
    to[3 * i + 2] = quantised_or_same<Y>(blue[i], factor);
  }
}

using S8 = std::int8_t;
using U8 = std::uint8_t;
const ConvertLoops kConvertLoops = {
    {{copy_loop, quantize_loop<S8>, quantize_loop<U8>},
     {dequantize_loop<S8>, requantize_loop<S8, S8>, requantize_loop<S8, U8>},
     {dequantize_loop<U8>, requantize_loop<U8, S8>, requantize_loop<U8, U8>}},
    {interleave3_loop<float>, interleave3_loop<S8>, interleave3_loop<U8>}};

}  // namespace XINFER_ISA_NAMESPACE
}  // namespace xinfer::kernels
