// The 256-bit vector of depthwise_int8_loops.h. `Dot` adds 4 u8 x 4 s8 to int32.
#pragma once

#include <immintrin.h>

#include "kernels/depthwise/depthwise_int8_loops.h"

namespace xinfer::kernels {
namespace {

template <typename Dot>
struct Vector256 {
  using Type = __m256i;
  static constexpr int kBytes = 32;

  static Type zero() { return _mm256_setzero_si256(); }
  static Type load(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
  static Type unpack_low_bytes(Type a, Type b) { return _mm256_unpacklo_epi8(a, b); }
  static Type unpack_high_bytes(Type a, Type b) { return _mm256_unpackhi_epi8(a, b); }
  static Type unpack_low_words(Type a, Type b) { return _mm256_unpacklo_epi16(a, b); }
  static Type unpack_high_words(Type a, Type b) { return _mm256_unpackhi_epi16(a, b); }
  static Type dot(Type acc, Type a, Type b) { return Dot::dot(acc, a, b); }

  static void store_in_order(const Type (&acc)[4], const std::int32_t* start, std::int32_t* out) {
    const Type in_order[4] = {_mm256_permute2x128_si256(acc[0], acc[1], 0x20),
                              _mm256_permute2x128_si256(acc[2], acc[3], 0x20),
                              _mm256_permute2x128_si256(acc[0], acc[1], 0x31),
                              _mm256_permute2x128_si256(acc[2], acc[3], 0x31)};
    for (int i = 0; i < 4; ++i) {
      const Type from = start == nullptr ? zero() : load(start + 8 * i);
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + 8 * i),
                          _mm256_add_epi32(in_order[i], from));
    }
  }
};

}  // namespace
}  // namespace xinfer::kernels
