// The epilogue for AVX2: INT8 outputs without steps or with one INT8 residual in registers, rounded
// before clamping as in accumulator_store_avx512.h; anything else by the plain loops.
#include <immintrin.h>

#include "kernels/conv/accumulator_store_loops.h"

namespace xinfer::kernels {
namespace {

enum class Residual { kNone, kInt8, kUInt8 };

/// Multipliers and biases of 16 channels; beyond the last one zeros.
struct Channels {
  __m256 multiplier[2];
  __m256 bias[2];

  Channels(const Epilogue& e, std::int64_t channel, int count) {
    load(e.multiplier + channel, count, multiplier);
    load(e.bias + channel, count, bias);
  }

 private:
  static void load(const float* from, int count, __m256 (&to)[2]) {
    float padded[16] = {};
    if (count < 16) {
      __builtin_memcpy(padded, from, static_cast<std::size_t>(count) * sizeof(float));
      from = padded;
    }
    to[0] = _mm256_loadu_ps(from);
    to[1] = _mm256_loadu_ps(from + 8);
  }
};

/// 8 channels of one pixel, rounded. `residuals` is null where there are none.
template <Residual kResidual>
inline __m256i round_vector(const std::int32_t* acc, const std::int8_t* residuals, std::int64_t at,
                            __m256 multiplier, __m256 bias, __m256 scale) {
  const __m256i sum = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(acc));
  __m256 y = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum), multiplier, bias);
  if constexpr (kResidual != Residual::kNone) {
    const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(residuals + at));
    const __m256i wide =
        kResidual == Residual::kInt8 ? _mm256_cvtepi8_epi32(bytes) : _mm256_cvtepu8_epi32(bytes);
    y = _mm256_fmadd_ps(_mm256_cvtepi32_ps(wide), scale, y);
  }
  return _mm256_cvtps_epi32(y);
}

inline void store_partial(std::int8_t* to, __m128i bytes, int count) {
  if (count >= 16) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes);
    return;
  }
  alignas(16) std::int8_t values[16];
  _mm_store_si128(reinterpret_cast<__m128i*>(values), bytes);
  __builtin_memcpy(to, values, static_cast<std::size_t>(count));
}

/// Two rows x 16 columns at a time; rows of accumulators are whole multiples of 16.
template <bool kSigned, Residual kResidual>
void store_bytes_bounded(const StorePlan& plan, const AccumulatorTile& tile) {
  const EpilogueStep& step = plan.epilogue.steps[0];
  const __m256 scale = _mm256_set1_ps(step.scale);
  const __m256i low = _mm256_set1_epi8(static_cast<char>(plan.byte_low));
  const __m256i high = _mm256_set1_epi8(static_cast<char>(plan.byte_high));
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  for (int column = 0; column < tile.columns; column += 16) {
    const int count = tile.columns - column < 16 ? tile.columns - column : 16;
    const std::int64_t channel = tile.first_channel + column;
    const Channels c(plan.epilogue, channel, count);
    for (int row = 0; row < tile.rows; row += 2) {
      const int rows[2] = {row, row + 1 < tile.rows ? row + 1 : row};
      __m256i words[2];
      for (int i = 0; i < 2; ++i) {
        const auto* acc =
            static_cast<const std::int32_t*>(tile.acc) + rows[i] * tile.row_stride + column;
        const auto* residuals = static_cast<const std::int8_t*>(step.residual);
        const std::int64_t at = (tile.first_pixel + rows[i]) * step.residual_pixel_stride + channel;
        words[i] = _mm256_packs_epi32(
            round_vector<kResidual>(acc, residuals, at, c.multiplier[0], c.bias[0], scale),
            round_vector<kResidual>(acc + 8, residuals, at + 8, c.multiplier[1], c.bias[1], scale));
      }
      const __m256i packed = kSigned ? _mm256_packs_epi16(words[0], words[1])
                                     : _mm256_packus_epi16(words[0], words[1]);
      const __m256i clamped = kSigned ? _mm256_min_epi8(_mm256_max_epi8(packed, low), high)
                                      : _mm256_min_epu8(_mm256_max_epu8(packed, low), high);
      const __m256i bytes = _mm256_permutevar8x32_epi32(clamped, order);
      std::int8_t* to = static_cast<std::int8_t*>(plan.y) +
                        (tile.first_pixel + row) * plan.y_pixel_stride + channel;
      store_partial(to, _mm256_castsi256_si128(bytes), count);
      if (rows[1] != row) {
        store_partial(to + plan.y_pixel_stride, _mm256_extracti128_si256(bytes, 1), count);
      }
    }
  }
}

template <bool kSigned>
StoreAccumulators select_bytes(const Epilogue& e) {
  if (e.step_count == 0) return store_bytes_bounded<kSigned, Residual::kNone>;
  return e.steps[0].residual_dtype == DType::kInt8 ? store_bytes_bounded<kSigned, Residual::kInt8>
                                                   : store_bytes_bounded<kSigned, Residual::kUInt8>;
}

}  // namespace

StoreAccumulators select_store_avx2(const StorePlan& plan) {
  // Bounded plans without a table have no step but an INT8 residual.
  if (!plan.bounded || plan.table != nullptr) return store_any;
  return plan.bytes_signed ? select_bytes<true>(plan.epilogue) : select_bytes<false>(plan.epilogue);
}

}  // namespace xinfer::kernels
