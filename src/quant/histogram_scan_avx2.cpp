// Block scan with AVX2: 8 values a step, counted lanes packed by a table of permutations.
#include <immintrin.h>

#include "quant/histogram_scan.h"

namespace xinfer::quant::scan {
namespace {

// entry[mask]: the set lanes of mask first, a byte each.
struct Permutations {
  std::uint64_t entry[256] = {};
};

constexpr Permutations make_permutations() {
  Permutations table;
  for (unsigned mask = 0; mask < 256; ++mask) {
    unsigned out = 0;
    for (std::uint64_t lane = 0; lane < 8; ++lane) {
      if ((mask >> lane & 1u) == 0) continue;
      table.entry[mask] |= lane << (8 * out++);
    }
  }
  return table;
}

constexpr Permutations kPermutations = make_permutations();

__m256i at_least(__m256i a, __m256i b) {  // unsigned lanes, both below 2^31
  return _mm256_cmpeq_epi32(_mm256_max_epi32(a, b), a);
}

unsigned lane_mask(__m256i lanes) {
  return static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(lanes)));
}

}  // namespace

void scan_avx2(const float* x, std::size_t n, std::uint32_t floor_bits, std::uint32_t* bins,
               Block* block) {
  const __m256i magnitude_mask = _mm256_set1_epi32(0x7fffffff);
  const __m256i ring_mask = _mm256_set1_epi32(kRingMask);
  const __m256i floor = _mm256_set1_epi32(static_cast<int>(floor_bits));
  __m256i largest_signed = _mm256_set1_epi32(block->largest_signed);
  __m256i largest_unsigned = _mm256_set1_epi32(static_cast<int>(block->largest_unsigned));
  __m256i smallest_unsigned = _mm256_set1_epi32(static_cast<int>(block->smallest_unsigned));
  unsigned zeros = 0;
  unsigned counted = block->counted;
  const std::size_t whole = n / 8 * 8;
  for (std::size_t i = 0; i < whole; i += 8) {
    const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x + i));
    largest_signed = _mm256_max_epi32(largest_signed, bits);
    largest_unsigned = _mm256_max_epu32(largest_unsigned, bits);
    smallest_unsigned = _mm256_min_epu32(smallest_unsigned, bits);
    const __m256i magnitude = _mm256_and_si256(bits, magnitude_mask);
    const unsigned keep = lane_mask(at_least(magnitude, floor));
    zeros += static_cast<unsigned>(
        __builtin_popcount(lane_mask(_mm256_cmpeq_epi32(magnitude, _mm256_setzero_si256()))));
    const __m256i bin = _mm256_and_si256(_mm256_srli_epi32(magnitude, kShift), ring_mask);
    const __m256i order =
        _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(static_cast<long long>(kPermutations.entry[keep])));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(bins + counted),
                        _mm256_permutevar8x32_epi32(bin, order));
    counted += static_cast<unsigned>(__builtin_popcount(keep));
  }
  alignas(32) std::int32_t lanes_signed[8];
  alignas(32) std::uint32_t lanes_large[8];
  alignas(32) std::uint32_t lanes_small[8];
  _mm256_store_si256(reinterpret_cast<__m256i*>(lanes_signed), largest_signed);
  _mm256_store_si256(reinterpret_cast<__m256i*>(lanes_large), largest_unsigned);
  _mm256_store_si256(reinterpret_cast<__m256i*>(lanes_small), smallest_unsigned);
  for (int lane = 0; lane < 8; ++lane) {
    if (lanes_signed[lane] > block->largest_signed) block->largest_signed = lanes_signed[lane];
    if (lanes_large[lane] > block->largest_unsigned) block->largest_unsigned = lanes_large[lane];
    if (lanes_small[lane] < block->smallest_unsigned) block->smallest_unsigned = lanes_small[lane];
  }
  block->nonzero += static_cast<unsigned>(whole) - zeros;
  block->counted = counted;
  scan_portable(x + whole, n - whole, floor_bits, bins, block);
}

}  // namespace xinfer::quant::scan
