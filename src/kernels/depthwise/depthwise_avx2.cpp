// Depthwise micro-kernels for AVX2.
#include "kernels/depthwise/depthwise_f32_loops.h"
#include "kernels/depthwise/depthwise_vector256.h"
#include "kernels/depthwise/direct_depthwise_loops.h"

namespace xinfer::kernels {
namespace {

/// Exact without VNNI: even and odd bytes as int16, each pair of products added by vpmaddwd.
struct WideningDot {
  static __m256i dot(__m256i acc, __m256i a, __m256i b) {
    const __m256i a_even = _mm256_and_si256(a, _mm256_set1_epi16(0xff));
    const __m256i a_odd = _mm256_srli_epi16(a, 8);
    const __m256i b_even = _mm256_srai_epi16(_mm256_slli_epi16(b, 8), 8);
    const __m256i b_odd = _mm256_srai_epi16(b, 8);
    acc = _mm256_add_epi32(acc, _mm256_madd_epi16(a_even, b_even));
    return _mm256_add_epi32(acc, _mm256_madd_epi16(a_odd, b_odd));
  }
};

struct Float8 {
  using Type = __m256;
  static constexpr int kLanes = 8;
  static Type zero() { return _mm256_setzero_ps(); }
  static Type load(const float* p) { return _mm256_loadu_ps(p); }
  static Type load(const float* p, int count) { return _mm256_maskload_ps(p, mask(count)); }
  static void store(float* p, Type v) { _mm256_storeu_ps(p, v); }
  static void store(float* p, Type v, int count) { _mm256_maskstore_ps(p, mask(count), v); }
  static Type add(Type a, Type b) { return _mm256_add_ps(a, b); }
  static Type fma(Type a, Type b, Type c) { return _mm256_fmadd_ps(a, b, c); }
  /// NaN stays NaN.
  static Type clamp(Type v, float low, float high) {
    return _mm256_min_ps(_mm256_set1_ps(high), _mm256_max_ps(_mm256_set1_ps(low), v));
  }

 private:
  static __m256i mask(int count) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
};

}  // namespace

void depthwise_int8_avx2(const DepthwiseCall& call) {
  depthwise_int8<Vector256<WideningDot>>(call);
}

void depthwise_f32_avx2(const DepthwiseCall& call) { depthwise_f32<Float8>(call); }

void direct_line_avx2(const DirectLineCall& call) { direct_line<Float8>(call); }

}  // namespace xinfer::kernels
