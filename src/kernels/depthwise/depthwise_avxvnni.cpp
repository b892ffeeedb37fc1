// INT8 depthwise micro-kernel for AVX-VNNI.
#include "kernels/depthwise/depthwise_vector256.h"

namespace xinfer::kernels {
namespace {

struct VnniDot {
  static __m256i dot(__m256i acc, __m256i a, __m256i b) {
    return _mm256_dpbusd_avx_epi32(acc, a, b);
  }
};

}  // namespace

void depthwise_int8_avxvnni(const DepthwiseCall& call) { depthwise_int8<Vector256<VnniDot>>(call); }

}  // namespace xinfer::kernels
