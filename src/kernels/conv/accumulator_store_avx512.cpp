// The epilogue for AVX-512: no step or one residual straight in registers, anything else by the
// plain loops.
#include <immintrin.h>

#include "kernels/conv/accumulator_store_loops.h"

namespace xinfer::kernels {
namespace {

enum class Residual { kNone, kInt8, kUInt8, kFloat };

template <bool kFloatAcc>
inline __m512 load_accumulators(const void* acc, std::int64_t index, __m512 multiplier,
                                __m512 bias) {
  if constexpr (kFloatAcc) {
    return _mm512_add_ps(_mm512_load_ps(static_cast<const float*>(acc) + index), bias);
  } else {
    const __m512i sum = _mm512_load_si512(static_cast<const std::int32_t*>(acc) + index);
    return _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), multiplier, bias);
  }
}

template <Residual kResidual>
inline __m512 load_residual(const void* residual, std::int64_t index, __mmask16 mask) {
  if constexpr (kResidual == Residual::kFloat) {
    return _mm512_maskz_loadu_ps(mask, static_cast<const float*>(residual) + index);
  } else {
    const auto* at = static_cast<const std::int8_t*>(residual) + index;
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    return _mm512_cvtepi32_ps(kResidual == Residual::kInt8 ? _mm512_cvtepi8_epi32(bytes)
                                                           : _mm512_cvtepu8_epi32(bytes));
  }
}

/// The clamp leaves every value in the range of its output type.
template <typename Out>
inline void store_vector(void* y, std::int64_t index, __mmask16 mask, __m512 value, __m512 low,
                         __m512 high) {
  const __m512 clamped = _mm512_min_ps(high, _mm512_max_ps(low, value));  // NaN stays NaN
  if constexpr (sizeof(Out) == 4) {
    _mm512_mask_storeu_ps(static_cast<float*>(y) + index, mask, clamped);
  } else {
    const __m128i bytes = _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(clamped));
    auto* at = static_cast<std::int8_t*>(y) + index;
    if (mask == 0xffff) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(at), bytes);
    } else {
      _mm_mask_storeu_epi8(at, mask, bytes);
    }
  }
}

template <bool kFloatAcc, typename Out, Residual kResidual>
void store_strips(const StorePlan& plan, const AccumulatorTile& tile) {
  const Epilogue& e = plan.epilogue;
  const EpilogueStep& step = e.steps[0];
  const __m512 low = _mm512_set1_ps(plan.low);
  const __m512 high = _mm512_set1_ps(plan.high);
  const __m512 scale = _mm512_set1_ps(step.scale);
  const std::int64_t y_stride = plan.y_pixel_stride;
  const std::int64_t residual_stride = step.residual_pixel_stride;
  const std::int64_t acc_stride = tile.row_stride;
  const int rows = tile.rows;
  const void* const acc = tile.acc;
  const void* const residual = step.residual;
  void* const y = plan.y;
  for (int column = 0; column < tile.columns; column += 16) {
    const int left = tile.columns - column;
    const __mmask16 mask = left >= 16 ? 0xffff : static_cast<__mmask16>((1u << left) - 1);
    const std::int64_t channel = tile.first_channel + column;
    const __m512 multiplier =
        kFloatAcc ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps(mask, e.multiplier + channel);
    const __m512 bias =
        e.bias == nullptr ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps(mask, e.bias + channel);
    std::int64_t from = column;
    std::int64_t to = tile.first_pixel * y_stride + channel;
    std::int64_t other = tile.first_pixel * residual_stride + channel;
    for (int row = 0; row < rows; ++row) {
      __m512 value = load_accumulators<kFloatAcc>(acc, from, multiplier, bias);
      if constexpr (kResidual != Residual::kNone) {
        value = _mm512_fmadd_ps(load_residual<kResidual>(residual, other, mask), scale, value);
        other += residual_stride;
      }
      store_vector<Out>(y, to, mask, value, low, high);
      from += acc_stride;
      to += y_stride;
    }
  }
}

template <bool kFloatAcc, typename Out>
void store_by_steps(const StorePlan& plan, const AccumulatorTile& tile) {
  const Epilogue& e = plan.epilogue;
  if (e.step_count == 0) return store_strips<kFloatAcc, Out, Residual::kNone>(plan, tile);
  if (e.step_count == 1 && e.steps[0].kind == EpilogueStep::Kind::kResidual) {
    switch (e.steps[0].residual_dtype) {
      case DType::kInt8:
        return store_strips<kFloatAcc, Out, Residual::kInt8>(plan, tile);
      case DType::kUInt8:
        return store_strips<kFloatAcc, Out, Residual::kUInt8>(plan, tile);
      default:
        return store_strips<kFloatAcc, Out, Residual::kFloat>(plan, tile);
    }
  }
  store_any(plan, tile);
}

}  // namespace

void store_accumulators_avx512(const StorePlan& plan, const AccumulatorTile& tile) {
  const bool float_output = plan.epilogue.output_dtype == DType::kFloat32;
  if (plan.float_accumulators) {
    return float_output ? store_by_steps<true, float>(plan, tile)
                        : store_by_steps<true, std::int8_t>(plan, tile);
  }
  return float_output ? store_by_steps<false, float>(plan, tile)
                      : store_by_steps<false, std::int8_t>(plan, tile);
}

}  // namespace xinfer::kernels
