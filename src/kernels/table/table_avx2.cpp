// 32 lookups at a time by 16 in-register shuffles: shuffle k answers the indices 16k … 16k + 15.
// Subtracting 16 per step moves the wanted range to 0 … 15; saturation sets bit 7 of every index
// that is not in it, and vpshufb gives 0 there, so OR collects the answers.
#include <immintrin.h>

#include "kernels/table/table_loops.h"

namespace xinfer::kernels {
namespace {

/// Indices >= 16 get bit 7: 0x70 + index saturates upwards past 127 as unsigned.
inline __m256i lookup32(__m256i index, const __m256i* parts) {
  const __m256i sixteen = _mm256_set1_epi8(16);
  const __m256i bias = _mm256_set1_epi8(0x70);
  __m256i result = _mm256_setzero_si256();
  for (int k = 0; k < 16; ++k) {
    const __m256i select = _mm256_adds_epu8(index, bias);
    result = _mm256_or_si256(result, _mm256_shuffle_epi8(parts[k], select));
    index = _mm256_sub_epi8(index, sixteen);
  }
  return result;
}

}  // namespace

void table_loop_avx2(const std::uint8_t* x, std::uint8_t* y, std::int64_t n,
                     const std::uint8_t* table) {
  __m256i parts[16];
  for (int k = 0; k < 16; ++k) {
    parts[k] = _mm256_broadcastsi128_si256(
        _mm_loadu_si128(reinterpret_cast<const __m128i*>(table + 16 * k)));
  }
  std::int64_t i = 0;
  for (; i + 32 <= n; i += 32) {
    const __m256i index = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x + i));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(y + i), lookup32(index, parts));
  }
  for (; i < n; ++i) y[i] = table[x[i]];
}

}  // namespace xinfer::kernels
