// The inner loops of 8-bit resizing for AVX2. Calls no inline library function, since the linker
// could take this file's AVX2 copy of it for the whole program.
//
// Sums are int32 and after the shift within [-512, 511], so that the saturating packs clamp
// exactly.
#include <immintrin.h>

#include "data/resample_passes.h"
#include "data/resample_weights.h"

namespace xinfer {
namespace {

constexpr std::int32_t kHalf = 1 << (kWeightBits - 1);

std::uint8_t to_byte(std::int32_t sum) {
  const std::int32_t value = sum >> kWeightBits;
  return static_cast<std::uint8_t>(value < 0 ? 0 : value > 255 ? 255 : value);
}

/// Two pixels a step: lanes 0-2 sum the even taps of R, G, B, lanes 4-6 the odd ones.
__m128i sum_taps(const std::uint8_t* pixel, const std::int32_t* w, int count) {
  const __m128i spread = _mm_setr_epi8(0, 1, 2, -1, 3, 4, 5, -1, -1, -1, -1, -1, -1, -1, -1, -1);
  const __m256i first_four_then_second = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);
  __m256i sums = _mm256_setzero_si256();
  for (int k = 0; k < count; k += 2, pixel += 6) {
    const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(pixel));
    const __m256i values = _mm256_cvtepu8_epi32(_mm_shuffle_epi8(bytes, spread));
    const __m128i pair = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(w + k));
    const __m256i weights =
        _mm256_permutevar8x32_epi32(_mm256_castsi128_si256(pair), first_four_then_second);
    sums = _mm256_add_epi32(sums, _mm256_mullo_epi32(values, weights));
  }
  return _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
}

void horizontal_rgb(const std::uint8_t* in, const PassWeights& weights, std::uint8_t* out) {
  const std::int32_t* w = weights.weights;
  const __m128i half = _mm_set1_epi32(kHalf);
  for (int i = 0; i < weights.size; ++i, w += weights.taps, out += 3) {
    const std::uint8_t* pixel = in + 3 * static_cast<std::ptrdiff_t>(weights.firsts[i]);
    const __m128i sums = _mm_add_epi32(sum_taps(pixel, w, weights.counts[i]), half);
    const __m128i words = _mm_packs_epi32(_mm_srai_epi32(sums, kWeightBits), sums);
    const int bytes = _mm_cvtsi128_si32(_mm_packus_epi16(words, words));
    __builtin_memcpy(out, &bytes, 3);
  }
}

void horizontal_gray(const std::uint8_t* in, const PassWeights& weights, std::uint8_t* out) {
  const std::int32_t* w = weights.weights;
  for (int i = 0; i < weights.size; ++i, w += weights.taps) {
    std::int32_t sum = kHalf;
    for (int k = 0; k < weights.counts[i]; ++k) sum += in[weights.firsts[i] + k] * w[k];
    out[i] = to_byte(sum);
  }
}

__m256i multiply_bytes(const std::uint8_t* in, __m256i weight) {
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(in));
  return _mm256_mullo_epi32(_mm256_cvtepu8_epi32(bytes), weight);
}

/// Eight sums to eight words.
__m128i to_words(__m256i sums) {
  const __m256i values = _mm256_srai_epi32(sums, kWeightBits);
  return _mm_packs_epi32(_mm256_castsi256_si128(values), _mm256_extracti128_si256(values, 1));
}

void vertical(const ColumnsOfRows& in, const std::int32_t* weights, int count, std::uint8_t* out) {
  std::size_t x = 0;
  for (; x + 16 <= in.bytes; x += 16) {
    __m256i low = _mm256_set1_epi32(kHalf);
    __m256i high = low;
    const std::uint8_t* pixels = in.first + x;
    for (int k = 0; k < count; ++k, pixels += in.stride) {
      const __m256i weight = _mm256_set1_epi32(weights[k]);
      low = _mm256_add_epi32(low, multiply_bytes(pixels, weight));
      high = _mm256_add_epi32(high, multiply_bytes(pixels + 8, weight));
    }
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + x),
                     _mm_packus_epi16(to_words(low), to_words(high)));
  }
  for (; x < in.bytes; ++x) {
    std::int32_t sum = kHalf;
    const std::uint8_t* pixel = in.first + x;
    for (int k = 0; k < count; ++k, pixel += in.stride) sum += *pixel * weights[k];
    out[x] = to_byte(sum);
  }
}

}  // namespace

const ResamplePasses kResamplePassesAvx2 = {horizontal_rgb, horizontal_gray, vertical};

}  // namespace xinfer
