// INT8 micro-kernel for AVX2 without VNNI: activations come widened to int16, weights are widened
// in the loop, vpmaddwd adds pairs exactly (vpmaddubsw would saturate). Half a panel (8 channels) x
// up to 6 rows in 12 accumulators, two int32 lanes a channel, added at the end.
#include <immintrin.h>

#include "kernels/conv/gemm_kernel.h"

namespace xinfer::kernels {
namespace {

inline __m256i load_weights(const std::byte* p) {
  return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}

/// 4 int16 of a row in every 64-bit lane.
inline __m256i broadcast(const std::byte* p) {
  std::int64_t values;
  __builtin_memcpy(&values, p, sizeof(values));
  return _mm256_set1_epi64x(values);
}

/// Channels 0-3 and 4-7, two lanes each, to 8 sums.
inline __m256i add_pairs(__m256i low, __m256i high) {
  return _mm256_permute4x64_epi64(_mm256_hadd_epi32(low, high), 0xD8);
}

template <int kRows>
void half_panel(const GemmTile& tile, int half) {
  __m256i low[kRows], high[kRows];
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r) low[r] = high[r] = _mm256_setzero_si256();
  const std::byte* a = tile.a;
  const std::byte* b = tile.b + half * (kStepBytes / 2);
  for (std::int64_t line = 0; line < tile.lines; ++line) {
    for (std::int64_t step = 0; step < tile.steps; ++step, a += 8, b += kStepBytes) {
      const __m256i b0 = load_weights(b);
      const __m256i b1 = load_weights(b + 16);
#pragma GCC unroll 6
      for (int r = 0; r < kRows; ++r) {
        const __m256i x = broadcast(a + r * tile.a_row_bytes);
        low[r] = _mm256_add_epi32(low[r], _mm256_madd_epi16(x, b0));
        high[r] = _mm256_add_epi32(high[r], _mm256_madd_epi16(x, b1));
      }
    }
    a += tile.a_line_bytes - 8 * tile.steps;
  }
  const auto* start = static_cast<const __m256i*>(tile.start) + half;
  auto* acc = static_cast<__m256i*>(tile.acc) + half;
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r) {
    const __m256i sum = _mm256_add_epi32(add_pairs(low[r], high[r]), _mm256_loadu_si256(start));
    _mm256_store_si256(acc + 2 * r, sum);
  }
}

template <int kRows>
void whole_panel(const GemmTile& tile) {
  half_panel<kRows>(tile, 0);
  half_panel<kRows>(tile, 1);
}

constexpr void (*kTiles[6])(const GemmTile&) = {whole_panel<1>, whole_panel<2>, whole_panel<3>,
                                                whole_panel<4>, whole_panel<5>, whole_panel<6>};

}  // namespace

void gemm_u8s8_avx2(const GemmTile& tile, int rows, int) { kTiles[rows - 1](tile); }
void gemm_s8s8_avx2(const GemmTile& tile, int rows, int) { kTiles[rows - 1](tile); }

}  // namespace xinfer::kernels
