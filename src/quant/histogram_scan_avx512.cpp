// Block scan with AVX-512: 16 values a step, counted lanes packed by vpcompressd.
#include <immintrin.h>

#include "quant/histogram_scan.h"

namespace xinfer::quant::scan {

void scan_avx512(const float* x, std::size_t n, std::uint32_t floor_bits, std::uint32_t* bins,
                 Block* block) {
  const __m512i magnitude_mask = _mm512_set1_epi32(0x7fffffff);
  const __m512i ring_mask = _mm512_set1_epi32(kRingMask);
  const __m512i floor = _mm512_set1_epi32(static_cast<int>(floor_bits));
  __m512i largest_signed = _mm512_set1_epi32(block->largest_signed);
  __m512i largest_unsigned = _mm512_set1_epi32(static_cast<int>(block->largest_unsigned));
  __m512i smallest_unsigned = _mm512_set1_epi32(static_cast<int>(block->smallest_unsigned));
  unsigned nonzero = block->nonzero;
  unsigned counted = block->counted;
  const std::size_t whole = n / 16 * 16;
  for (std::size_t i = 0; i < whole; i += 16) {
    const __m512i bits = _mm512_loadu_si512(x + i);
    largest_signed = _mm512_max_epi32(largest_signed, bits);
    largest_unsigned = _mm512_max_epu32(largest_unsigned, bits);
    smallest_unsigned = _mm512_min_epu32(smallest_unsigned, bits);
    const __m512i magnitude = _mm512_and_si512(bits, magnitude_mask);
    const __mmask16 keep = _mm512_cmpge_epu32_mask(magnitude, floor);
    nonzero +=
        static_cast<unsigned>(__builtin_popcount(_mm512_test_epi32_mask(bits, magnitude_mask)));
    const __m512i bin = _mm512_and_si512(_mm512_srli_epi32(magnitude, kShift), ring_mask);
    // Through a register: vpcompressd to memory is microcoded on Zen 4.
    _mm512_storeu_si512(bins + counted, _mm512_maskz_compress_epi32(keep, bin));
    counted += static_cast<unsigned>(__builtin_popcount(keep));
  }
  block->largest_signed = _mm512_reduce_max_epi32(largest_signed);
  block->largest_unsigned = _mm512_reduce_max_epu32(largest_unsigned);
  block->smallest_unsigned = _mm512_reduce_min_epu32(smallest_unsigned);
  block->nonzero = nonzero;
  block->counted = counted;
  scan_portable(x + whole, n - whole, floor_bits, bins, block);
}

}  // namespace xinfer::quant::scan
