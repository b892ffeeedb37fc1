// Depthwise micro-kernels for AVX-512 VNNI.
#include <immintrin.h>

#include "kernels/depthwise/depthwise_f32_loops.h"
#include "kernels/depthwise/depthwise_int8_loops.h"

namespace xinfer::kernels {
namespace {

struct Vector512 {
  using Type = __m512i;
  static constexpr int kBytes = 64;
  static constexpr int kRows = 4;
  static constexpr bool kFinishes = true;

  static Type zero() { return _mm512_setzero_si512(); }
  static Type load(const void* p) { return _mm512_loadu_si512(p); }
  static Type unpack_low_bytes(Type a, Type b) { return _mm512_unpacklo_epi8(a, b); }
  static Type unpack_high_bytes(Type a, Type b) { return _mm512_unpackhi_epi8(a, b); }
  static Type unpack_low_words(Type a, Type b) { return _mm512_unpacklo_epi16(a, b); }
  static Type unpack_high_words(Type a, Type b) { return _mm512_unpackhi_epi16(a, b); }
  static Type dot(Type acc, Type a, Type b) { return _mm512_dpbusd_epi32(acc, a, b); }

  /// A 4 x 4 transposition of 128-bit lanes.
  static void store_in_order(const Type (&acc)[4], const std::int32_t* start, std::int32_t* out) {
    const Type ab_low = _mm512_shuffle_i32x4(acc[0], acc[1], 0x44);
    const Type ab_high = _mm512_shuffle_i32x4(acc[0], acc[1], 0xEE);
    const Type cd_low = _mm512_shuffle_i32x4(acc[2], acc[3], 0x44);
    const Type cd_high = _mm512_shuffle_i32x4(acc[2], acc[3], 0xEE);
    const Type in_order[4] = {
        _mm512_shuffle_i32x4(ab_low, cd_low, 0x88), _mm512_shuffle_i32x4(ab_low, cd_low, 0xDD),
        _mm512_shuffle_i32x4(ab_high, cd_high, 0x88), _mm512_shuffle_i32x4(ab_high, cd_high, 0xDD)};
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      const Type from = start == nullptr ? zero() : load(start + 16 * i);
      _mm512_storeu_si512(out + 16 * i, _mm512_add_epi32(in_order[i], from));
    }
  }

  /// The saturating packs put 64 bytes into position order.
  static void finish(const Type (&acc)[4], const DepthwiseFinish& f, int row, std::int64_t at,
                     std::int64_t phase_at) {
    __m512i rounded[4];
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      const __m512 y = _mm512_fmadd_ps(_mm512_cvtepi32_ps(acc[j]),
                                       _mm512_loadu_ps(f.multiplier + phase_at + 16 * j),
                                       _mm512_loadu_ps(f.bias + phase_at + 16 * j));
      rounded[j] = _mm512_cvtps_epi32(y);
    }
    const Type words0 = _mm512_packs_epi32(rounded[0], rounded[1]);
    const Type words1 = _mm512_packs_epi32(rounded[2], rounded[3]);
    const Type low = _mm512_set1_epi8(static_cast<char>(f.low));
    const Type high = _mm512_set1_epi8(static_cast<char>(f.high));
    const Type bytes =
        f.is_signed
            ? _mm512_min_epi8(_mm512_max_epi8(_mm512_packs_epi16(words0, words1), low), high)
            : _mm512_min_epu8(_mm512_max_epu8(_mm512_packus_epi16(words0, words1), low), high);
    std::byte* to = f.y + row * f.y_row + at;
    if (at + kBytes <= f.positions) {
      _mm512_storeu_si512(to, bytes);
    } else if (at < f.positions) {
      _mm512_mask_storeu_epi8(to, (1ull << (f.positions - at)) - 1, bytes);
    }
  }
};

struct Float16 {
  using Type = __m512;
  static constexpr int kLanes = 16;
  static Type zero() { return _mm512_setzero_ps(); }
  static Type load(const float* p) { return _mm512_loadu_ps(p); }
  static void store(float* p, Type v) { _mm512_storeu_ps(p, v); }
  static Type fma(Type a, Type b, Type c) { return _mm512_fmadd_ps(a, b, c); }
};

}  // namespace

void depthwise_int8_avx512vnni(const DepthwiseCall& call) { depthwise_int8<Vector512>(call); }

void depthwise_f32_avx512(const DepthwiseCall& call) { depthwise_f32<Float16>(call); }

}  // namespace xinfer::kernels
