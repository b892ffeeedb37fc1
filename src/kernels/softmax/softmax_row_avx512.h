// One float32 row of softmax in AVX-512: the operations of softmax_loops.h in their order, hence
// equal floats, but without what a compiler cannot leave out.
//
// exp's argument is never positive, so only its lower bound is applied; 2^n is multiplied by
// vscalefps, which rounds once, as the product of two powers does. A sum goes on while the
// exponentials are computed, and a masked vector is the tail.
#pragma once

#include <immintrin.h>

#include "kernels/elementwise/lanes.h"

namespace xinfer::kernels::XINFER_ISA_NAMESPACE {

/// exp(x) for x <= 0 or NaN, as float_math.h's.
inline __m512 exp_of_nonpositive(__m512 x) {
  const __m512 magic = _mm512_set1_ps(kRoundMagic);
  const __m512 t = _mm512_max_ps(_mm512_set1_ps(-104.0f), x);  // NaN stays NaN
  const __m512 n = _mm512_sub_ps(_mm512_fmadd_ps(t, _mm512_set1_ps(kExpLog2E), magic), magic);
  __m512 r = _mm512_fmadd_ps(n, _mm512_set1_ps(-kExpLn2High), t);
  r = _mm512_fmadd_ps(n, _mm512_set1_ps(-kExpLn2Low), r);
  __m512 q = _mm512_set1_ps(kExpTerms[0]);
  for (int i = 1; i < 5; ++i) q = _mm512_fmadd_ps(q, r, _mm512_set1_ps(kExpTerms[i]));
  const __m512 m = _mm512_fmadd_ps(_mm512_mul_ps(r, r), q, r);
  return _mm512_scalef_ps(_mm512_add_ps(_mm512_set1_ps(1.0f), m), n);
}

/// The sum of a vector as lane_sum joins it.
inline float joined_sum(__m512 v) {
  return join_lanes(Vector<float, 16>(v), [](auto a, auto b) { return a + b; });
}

inline void softmax_row_f32(const float* x, float* y, std::int64_t n) {
  const __m512 m = _mm512_set1_ps(lane_max(n, x));
  __m512 sums[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()};
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int k = 0; k < 2; ++k) {
      const __m512 e = exp_of_nonpositive(_mm512_sub_ps(_mm512_loadu_ps(x + i + 16 * k), m));
      _mm512_storeu_ps(y + i + 16 * k, e);
      sums[k] = _mm512_add_ps(sums[k], e);
    }
  }
  for (int k = 0; i < n; i += 16, ++k) {
    const auto mask = static_cast<__mmask16>(n - i >= 16 ? 0xffff : (1u << (n - i)) - 1);
    const __m512 e = _mm512_maskz_mov_ps(
        mask, exp_of_nonpositive(_mm512_sub_ps(_mm512_maskz_loadu_ps(mask, x + i), m)));
    _mm512_mask_storeu_ps(y + i, mask, e);
    sums[k] = _mm512_add_ps(sums[k], e);
  }
  const __m512 r = _mm512_set1_ps(1.0f / joined_sum(_mm512_add_ps(sums[0], sums[1])));
  for (i = 0; i + 16 <= n; i += 16) {
    _mm512_storeu_ps(y + i, _mm512_mul_ps(_mm512_loadu_ps(y + i), r));
  }
  if (i < n) {
    const auto mask = static_cast<__mmask16>((1u << (n - i)) - 1);
    _mm512_mask_storeu_ps(y + i, mask, _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, y + i), r));
  }
}

}  // namespace xinfer::kernels::XINFER_ISA_NAMESPACE
