// 64 lookups at a time with VBMI: two 128-byte permutations and a blend on the index's top bit.
#include <immintrin.h>

#include "kernels/table/table_loops.h"

namespace xinfer::kernels {

void table_loop_avx512vbmi(const std::uint8_t* x, std::uint8_t* y, std::int64_t n,
                           const std::uint8_t* table) {
  const __m512i part0 = _mm512_loadu_si512(table);
  const __m512i part1 = _mm512_loadu_si512(table + 64);
  const __m512i part2 = _mm512_loadu_si512(table + 128);
  const __m512i part3 = _mm512_loadu_si512(table + 192);
  for (std::int64_t i = 0; i < n; i += 64) {
    const std::int64_t left = n - i;
    const __mmask64 mask = left >= 64 ? ~__mmask64{0} : (__mmask64{1} << left) - 1;
    const __m512i index = _mm512_maskz_loadu_epi8(mask, x + i);
    const __m512i low = _mm512_permutex2var_epi8(part0, index, part1);
    const __m512i high = _mm512_permutex2var_epi8(part2, index, part3);
    _mm512_mask_storeu_epi8(y + i, mask,
                            _mm512_mask_blend_epi8(_mm512_movepi8_mask(index), low, high));
  }
}

}  // namespace xinfer::kernels
