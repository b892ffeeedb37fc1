// Depthwise micro-kernels for AVX2.
#include "kernels/depthwise/depthwise_f32_loops.h"
#include "kernels/depthwise/depthwise_vector256.h"

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
  static void store(float* p, Type v) { _mm256_storeu_ps(p, v); }
  static Type fma(Type a, Type b, Type c) { return _mm256_fmadd_ps(a, b, c); }
};

}  // namespace

void depthwise_int8_avx2(const DepthwiseCall& call) {
  depthwise_int8<Vector256<WideningDot>>(call);
}

void depthwise_f32_avx2(const DepthwiseCall& call) { depthwise_f32<Float8>(call); }

}  // namespace xinfer::kernels
