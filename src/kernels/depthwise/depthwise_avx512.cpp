// Depthwise micro-kernels for AVX-512 VNNI.
#include <immintrin.h>

#include "kernels/depthwise/depthwise_f32_loops.h"
#include "kernels/depthwise/depthwise_int8_loops.h"
#include "kernels/depthwise/direct_depthwise_loops.h"

namespace xinfer::kernels {
namespace {

struct Vector512 {
  using Type = __m512i;
  static constexpr int kBytes = 64;

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
};

/// DepthwiseFinish: the saturating packs put 64 bytes into position order.
template <bool kSigned>
class FinishSink {
 public:
  FinishSink(const DepthwiseCall& call, std::int64_t phase_at)
      : y_(call.finish->y),
        y_row_(call.finish->y_row),
        positions_(call.finish->positions),
        low_(_mm512_set1_epi8(static_cast<char>(call.finish->low))),
        high_(_mm512_set1_epi8(static_cast<char>(call.finish->high))) {
    const DepthwiseFinish& f = *call.finish;
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      multiplier_[j] = _mm512_loadu_ps(f.multiplier + phase_at + 16 * j);
      bias_[j] = _mm512_loadu_ps(f.bias + phase_at + 16 * j);
      start_[j] = f.start == nullptr ? _mm512_setzero_si512()
                                     : _mm512_loadu_si512(f.start + phase_at + 16 * j);
    }
  }

  void store(const __m512i (&sums)[4], int row, std::int64_t at) const {
    __m512i rounded[4];
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      const __m512 sum = _mm512_cvtepi32_ps(_mm512_add_epi32(sums[j], start_[j]));
      rounded[j] = _mm512_cvtps_epi32(_mm512_fmadd_ps(sum, multiplier_[j], bias_[j]));
    }
    const __m512i words0 = _mm512_packs_epi32(rounded[0], rounded[1]);
    const __m512i words1 = _mm512_packs_epi32(rounded[2], rounded[3]);
    const __m512i bytes =
        kSigned
            ? _mm512_min_epi8(_mm512_max_epi8(_mm512_packs_epi16(words0, words1), low_), high_)
            : _mm512_min_epu8(_mm512_max_epu8(_mm512_packus_epi16(words0, words1), low_), high_);
    std::byte* to = y_ + row * y_row_ + at;
    if (at + kDepthwiseChunk <= positions_) {
      _mm512_storeu_si512(to, bytes);
    } else if (at < positions_) {
      _mm512_mask_storeu_epi8(to, (1ull << (positions_ - at)) - 1, bytes);
    }
  }

 private:
  std::byte* y_;
  std::int64_t y_row_;
  std::int64_t positions_;
  __m512i low_, high_;
  __m512 multiplier_[4], bias_[4];
  __m512i start_[4];
};

struct Float16 {
  using Type = __m512;
  static constexpr int kLanes = 16;
  static Type zero() { return _mm512_setzero_ps(); }
  static Type load(const float* p) { return _mm512_loadu_ps(p); }
  static Type load(const float* p, int count) { return _mm512_maskz_loadu_ps(mask(count), p); }
  static void store(float* p, Type v) { _mm512_storeu_ps(p, v); }
  static void store(float* p, Type v, int count) { _mm512_mask_storeu_ps(p, mask(count), v); }
  static Type add(Type a, Type b) { return _mm512_add_ps(a, b); }
  static Type fma(Type a, Type b, Type c) { return _mm512_fmadd_ps(a, b, c); }
  /// NaN stays NaN.
  static Type clamp(Type v, float low, float high) {
    return _mm512_min_ps(_mm512_set1_ps(high), _mm512_max_ps(_mm512_set1_ps(low), v));
  }

 private:
  static __mmask16 mask(int count) { return static_cast<__mmask16>((1u << count) - 1); }
};

}  // namespace

void depthwise_int8_avx512vnni(const DepthwiseCall& call) {
  if (call.finish == nullptr) return depthwise_int8<Vector512>(call);
  if (call.finish->is_signed) return depthwise_int8<Vector512, FinishSink<true>>(call);
  return depthwise_int8<Vector512, FinishSink<false>>(call);
}

void depthwise_f32_avx512(const DepthwiseCall& call) { depthwise_f32<Float16>(call); }

void direct_line_avx512(const DirectLineCall& call) { direct_line<Float16>(call); }

}  // namespace xinfer::kernels
