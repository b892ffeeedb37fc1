// The 256-bit vpdpbusd step. Encoded VEX with AVX-VNNI, EVEX with AVX-512 VL: the second lets a
// test run the loop on machines that lack the first.
#pragma once

#include <cstring>

#include "kernels/conv/gemm_avx2.h"

namespace xinfer::kernels {
namespace {

struct VnniOp {
  using Vector = __m256i;
  static Vector load(const std::byte* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  static void store(std::byte* p, Vector v) {
    _mm256_store_si256(reinterpret_cast<__m256i*>(p), v);
  }
  static Vector broadcast(const std::byte* p) {
    std::int32_t bytes;
    __builtin_memcpy(&bytes, p, sizeof(bytes));
    return _mm256_set1_epi32(bytes);
  }
  static Vector accumulate(Vector acc, Vector a, Vector b) {
#if defined(__AVXVNNI__)
    return _mm256_dpbusd_avx_epi32(acc, a, b);
#else
    return _mm256_dpbusd_epi32(acc, a, b);
#endif
  }
};

}  // namespace
}  // namespace xinfer::kernels
