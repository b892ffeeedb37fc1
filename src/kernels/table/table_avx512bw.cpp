// 64 lookups at a time without VBMI: vpermi2w fetches 16-bit pairs from 64-byte halves of the
// table. Index >> 1 selects the pair and index & 1 the byte, for even and odd elements apart.
#include <immintrin.h>

#include "kernels/table/table_loops.h"

namespace xinfer::kernels {
namespace {

struct Table {
  __m512i part[4];  // bytes 64k … 64k + 63 as 32 words
};

/// The byte table[index] in the low byte of each 16-bit lane; index in [0, 255].
inline __m512i lookup_words(__m512i index, const Table& table) {
  const __m512i pair = _mm512_srli_epi16(index, 1);  // 0 … 127: vpermi2w uses the low 6 bits
  const __m512i low = _mm512_permutex2var_epi16(table.part[0], pair, table.part[1]);
  const __m512i high = _mm512_permutex2var_epi16(table.part[2], pair, table.part[3]);
  const __mmask32 upper = _mm512_test_epi16_mask(index, _mm512_set1_epi16(0x80));
  const __m512i words = _mm512_mask_blend_epi16(upper, low, high);
  const __m512i shift = _mm512_slli_epi16(_mm512_and_si512(index, _mm512_set1_epi16(1)), 3);
  return _mm512_and_si512(_mm512_srlv_epi16(words, shift), _mm512_set1_epi16(0xff));
}

}  // namespace

void table_loop_avx512bw(const std::uint8_t* x, std::uint8_t* y, std::int64_t n,
                         const std::uint8_t* table) {
  Table parts;
  for (int k = 0; k < 4; ++k) parts.part[k] = _mm512_loadu_si512(table + 64 * k);
  const __m512i byte = _mm512_set1_epi16(0xff);
  for (std::int64_t i = 0; i < n; i += 64) {
    const std::int64_t left = n - i;
    const __mmask64 mask = left >= 64 ? ~__mmask64{0} : (__mmask64{1} << left) - 1;
    const __m512i index = _mm512_maskz_loadu_epi8(mask, x + i);
    const __m512i even = lookup_words(_mm512_and_si512(index, byte), parts);
    const __m512i odd = lookup_words(_mm512_srli_epi16(index, 8), parts);
    _mm512_mask_storeu_epi8(y + i, mask, _mm512_or_si512(even, _mm512_slli_epi16(odd, 8)));
  }
}

}  // namespace xinfer::kernels
