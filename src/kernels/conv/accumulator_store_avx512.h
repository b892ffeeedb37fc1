// The epilogue for AVX-512 in registers: at most one residual, then for INT8 at most one table
// (with or without a residual behind it), for floats at most one function; anything else by the
// plain loops. INT8 outputs are rounded first and clamped by saturating packs, which takes half as
// many instructions as clamping floats and needs the plan's `bounded`. Internal linkage: built with
// and without VBMI, which looks up 64 bytes of a table in four instructions instead of fifty.
#pragma once

#include <immintrin.h>

#include <algorithm>
#include <limits>

#include "kernels/conv/accumulator_store_loops.h"

namespace xinfer::kernels {
namespace {

enum class Residual { kNone, kInt8, kUInt8, kFloat };

inline __mmask16 mask_of(int left) {
  return left >= 16 ? 0xffff : left <= 0 ? 0 : static_cast<__mmask16>((1u << left) - 1);
}

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
inline __m512 add_residual(__m512 value, const void* residual, std::int64_t index, __mmask16 mask,
                           __m512 scale) {
  if constexpr (kResidual == Residual::kNone) {
    return value;
  } else if constexpr (kResidual == Residual::kFloat) {
    const auto* at = static_cast<const float*>(residual) + index;
    return _mm512_fmadd_ps(_mm512_maskz_loadu_ps(mask, at), scale, value);
  } else {
    const auto* at = static_cast<const std::int8_t*>(residual) + index;
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m512i wide =
        kResidual == Residual::kInt8 ? _mm512_cvtepi8_epi32(bytes) : _mm512_cvtepu8_epi32(bytes);
    return _mm512_fmadd_ps(_mm512_cvtepi32_ps(wide), scale, value);
  }
}

/// The constants of 16 channels.
struct Channels {
  __m512 multiplier;
  __m512 bias;

  Channels(const Epilogue& e, std::int64_t channel, __mmask16 mask)
      : multiplier(e.multiplier == nullptr ? _mm512_setzero_ps()
                                           : _mm512_maskz_loadu_ps(mask, e.multiplier + channel)),
        bias(e.bias == nullptr ? _mm512_setzero_ps()
                               : _mm512_maskz_loadu_ps(mask, e.bias + channel)) {}
};

template <bool kFloatAcc, Residual kResidual>
void store_floats(const StorePlan& plan, const AccumulatorTile& tile) {
  const EpilogueStep& step = plan.epilogue.steps[0];
  const __m512 low = _mm512_set1_ps(plan.low);
  const __m512 high = _mm512_set1_ps(plan.high);
  const __m512 scale = _mm512_set1_ps(step.scale);
  for (int column = 0; column < tile.columns; column += 16) {
    const __mmask16 mask = mask_of(tile.columns - column);
    const std::int64_t channel = tile.first_channel + column;
    const Channels constants(plan.epilogue, channel, mask);
    for (int row = 0; row < tile.rows; ++row) {
      const std::int64_t pixel = tile.first_pixel + row;
      __m512 value = load_accumulators<kFloatAcc>(tile.acc, row * tile.row_stride + column,
                                                  constants.multiplier, constants.bias);
      value = add_residual<kResidual>(value, step.residual,
                                      pixel * step.residual_pixel_stride + channel, mask, scale);
      value = _mm512_min_ps(high, _mm512_max_ps(low, value));  // NaN stays NaN
      _mm512_mask_storeu_ps(static_cast<float*>(plan.y) + pixel * plan.y_pixel_stride + channel,
                            mask, value);
    }
  }
}

/// Floats with a function at the end of their epilogue, which is computed in place while they are
/// in L1: of all pixels at once where they lie one behind the other.
template <bool kFloatAcc, Residual kResidual>
void store_function(const StorePlan& plan, const AccumulatorTile& tile) {
  store_floats<kFloatAcc, kResidual>(plan, tile);
  const int last = plan.epilogue.step_count - 1;
  const EpilogueStep& step = plan.epilogue.steps[last];
  const UnaryLoop function = plan.activations[last];
  auto* y =
      static_cast<float*>(plan.y) + tile.first_pixel * plan.y_pixel_stride + tile.first_channel;
  if (plan.y_pixel_stride == tile.columns) {
    return function(y, y, std::int64_t{tile.rows} * tile.columns, step.alpha, step.beta);
  }
  for (int row = 0; row < tile.rows; ++row, y += plan.y_pixel_stride) {
    function(y, y, tile.columns, step.alpha, step.beta);
  }
}

/// 32 int32 of each of two rows to bytes, row 0 in the lower half.
template <bool kSigned>
inline __m512i pack_rows(__m512i row0_low, __m512i row0_high, __m512i row1_low, __m512i row1_high) {
  const __m512i row0 = _mm512_packs_epi32(row0_low, row0_high);
  const __m512i row1 = _mm512_packs_epi32(row1_low, row1_high);
  const __m512i bytes = kSigned ? _mm512_packs_epi16(row0, row1) : _mm512_packus_epi16(row0, row1);
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  return _mm512_permutexvar_epi32(order, bytes);
}

template <bool kSigned>
inline __m512i clamp_bytes(__m512i bytes, __m512i low, __m512i high) {
  return kSigned ? _mm512_min_epi8(_mm512_max_epi8(bytes, low), high)
                 : _mm512_min_epu8(_mm512_max_epu8(bytes, low), high);
}

inline void store_half(std::int8_t* to, __m256i bytes, __mmask32 mask) {
  if (mask == 0xffffffffu) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), bytes);
  } else {
    _mm256_mask_storeu_epi8(to, mask, bytes);
  }
}

/// 256 bytes, looked up 64 at a time.
class ByteTable {
 public:
  explicit ByteTable(const std::uint8_t* bytes) : bytes_(bytes) {}

  __m512i operator()(__m512i index) const {
#if defined(__AVX512VBMI__)
    const __m512i low = _mm512_permutex2var_epi8(part(0), index, part(1));
    const __m512i high = _mm512_permutex2var_epi8(part(2), index, part(3));
    return _mm512_mask_blend_epi8(_mm512_movepi8_mask(index), low, high);
#else
    const __m512i nibble = _mm512_set1_epi8(15);
    const __m512i column = _mm512_and_si512(index, nibble);
    const __m512i row = _mm512_and_si512(_mm512_srli_epi16(index, 4), nibble);
    __m512i result = _mm512_setzero_si512();
    for (int i = 0; i < 16; ++i) {
      const __m512i values = _mm512_broadcast_i32x4(
          _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes_ + 16 * i)));
      const __mmask64 here = _mm512_cmpeq_epi8_mask(row, _mm512_set1_epi8(static_cast<char>(i)));
      result = _mm512_mask_shuffle_epi8(result, here, values, column);
    }
    return result;
#endif
  }

 private:
  __m512i part(int i) const { return _mm512_loadu_si512(bytes_ + 64 * i); }

  const std::uint8_t* bytes_;
};

/// What happens to rounded, clamped bytes before they are stored.
enum class Lookup { kNone, kTable, kTableThenResidual };

/// 16 bytes, s8 or u8, as float.
inline __m512 bytes_to_floats(__m128i bytes, bool is_signed) {
  return _mm512_cvtepi32_ps(is_signed ? _mm512_cvtepi8_epi32(bytes) : _mm512_cvtepu8_epi32(bytes));
}

/// A residual behind a table: y = fma(t, table_scale, r * scale) on two rows x 32 columns of t.
class ResidualBehindTable {
 public:
  explicit ResidualBehindTable(const StorePlan& plan)
      : table_signed_(plan.epilogue.steps[0].table_output_signed),
        residual_signed_(plan.epilogue.steps[1].residual_dtype == DType::kInt8),
        output_signed_(plan.epilogue.output_dtype == DType::kInt8),
        table_scale_(_mm512_set1_ps(plan.epilogue.steps[0].table_scale)),
        scale_(_mm512_set1_ps(plan.epilogue.steps[1].scale)),
        low_(_mm512_set1_epi8(static_cast<char>(round_to_int(plan.low)))),
        high_(_mm512_set1_epi8(static_cast<char>(round_to_int(plan.high)))) {}

  __m512i operator()(__m512i t, const std::int8_t* row0, const std::int8_t* row1,
                     int second) const {
    const __m512i a = sum(_mm512_extracti32x4_epi32(t, 0), row0);
    const __m512i b = sum(_mm512_extracti32x4_epi32(t, 1), row0 + second);
    const __m512i c = sum(_mm512_extracti32x4_epi32(t, 2), row1);
    const __m512i d = sum(_mm512_extracti32x4_epi32(t, 3), row1 + second);
    return output_signed_ ? clamp_bytes<true>(pack_rows<true>(a, b, c, d), low_, high_)
                          : clamp_bytes<false>(pack_rows<false>(a, b, c, d), low_, high_);
  }

 private:
  __m512i sum(__m128i t, const std::int8_t* residual) const {
    const __m128i r = _mm_loadu_si128(reinterpret_cast<const __m128i*>(residual));
    const __m512 scaled = _mm512_mul_ps(bytes_to_floats(r, residual_signed_), scale_);
    return _mm512_cvtps_epi32(
        _mm512_fmadd_ps(bytes_to_floats(t, table_signed_), table_scale_, scaled));
  }

  bool table_signed_, residual_signed_, output_signed_;
  __m512 table_scale_, scale_;
  __m512i low_, high_;
};

/// 64 columns from `column`, row by row: whole cache lines where y's pixels begin at one. Kept out
/// of line: inlined it costs the narrow tiles 4 %.
template <bool kSigned, Residual kResidual, Lookup kLookup>
[[gnu::noinline]] void store_64_columns(const StorePlan& plan, const AccumulatorTile& tile,
                                        int column) {
  constexpr bool kBehind = kLookup == Lookup::kTableThenResidual;
  const EpilogueStep& step = plan.epilogue.steps[kBehind ? 1 : 0];
  const __m512 scale = _mm512_set1_ps(step.scale);
  const __m512i low = _mm512_set1_epi8(static_cast<char>(plan.byte_low));
  const __m512i high = _mm512_set1_epi8(static_cast<char>(plan.byte_high));
  const ByteTable table(plan.table);
  const ResidualBehindTable add_behind(plan);
  const std::int64_t channel = tile.first_channel + column;
  const Channels constants[4] = {
      Channels(plan.epilogue, channel, 0xffff), Channels(plan.epilogue, channel + 16, 0xffff),
      Channels(plan.epilogue, channel + 32, 0xffff), Channels(plan.epilogue, channel + 48, 0xffff)};
  const std::int64_t acc_stride = tile.row_stride;
  const std::int64_t y_stride = plan.y_pixel_stride;
  const std::int64_t residual_stride = step.residual_pixel_stride;
  const auto* acc = static_cast<const std::int32_t*>(tile.acc) + column;
  // Without a residual its address is not computed from null.
  const bool reads = kBehind || kResidual != Residual::kNone;
  const auto* from = reads ? static_cast<const std::int8_t*>(step.residual) +
                                 tile.first_pixel * residual_stride + channel
                           : nullptr;
  auto* to = static_cast<std::int8_t*>(plan.y) + tile.first_pixel * y_stride + channel;
  const auto value = [&](int quarter) {
    const __m512 scaled = load_accumulators<false>(acc, 16 * quarter, constants[quarter].multiplier,
                                                   constants[quarter].bias);
    return _mm512_cvtps_epi32(add_residual<kResidual>(scaled, from, 16 * quarter, 0xffff, scale));
  };
  for (int row = 0; row < tile.rows; ++row) {
    __m512i bytes =
        clamp_bytes<kSigned>(pack_rows<kSigned>(value(0), value(1), value(2), value(3)), low, high);
    if constexpr (kLookup != Lookup::kNone) bytes = table(bytes);
    if constexpr (kBehind) bytes = add_behind(bytes, from, from + 32, 16);
    _mm512_storeu_si512(to, bytes);
    acc += acc_stride;
    to += y_stride;
    if (reads) from += residual_stride;
  }
}

/// At most 16 columns from `column`, four rows at a time.
template <bool kSigned, Residual kResidual, Lookup kLookup>
[[gnu::noinline]] void store_16_columns(const StorePlan& plan, const AccumulatorTile& tile,
                                        int column) {
  const EpilogueStep& step = plan.epilogue.steps[0];
  const __m512 scale = _mm512_set1_ps(step.scale);
  const __m512i low = _mm512_set1_epi8(static_cast<char>(plan.byte_low));
  const __m512i high = _mm512_set1_epi8(static_cast<char>(plan.byte_high));
  const ByteTable table(plan.table);
  const std::int64_t channel = tile.first_channel + column;
  const __mmask16 mask = mask_of(tile.columns - column);
  const Channels constants(plan.epilogue, channel, mask);
  const auto* acc = static_cast<const std::int32_t*>(tile.acc) + column;
  auto* y = static_cast<std::int8_t*>(plan.y) + tile.first_pixel * plan.y_pixel_stride + channel;
  const auto value = [&](std::int64_t row) {
    const __m512 scaled =
        load_accumulators<false>(acc, row * tile.row_stride, constants.multiplier, constants.bias);
    const std::int64_t index = (tile.first_pixel + row) * step.residual_pixel_stride + channel;
    return _mm512_cvtps_epi32(add_residual<kResidual>(scaled, step.residual, index, 0xffff, scale));
  };
  for (int row = 0; row < tile.rows; row += 4) {
    // Behind the last row it is computed again and not stored.
    const int last = tile.rows - 1;
    const int rows[4] = {row, std::min(row + 1, last), std::min(row + 2, last),
                         std::min(row + 3, last)};
    __m512i bytes = clamp_bytes<kSigned>(
        pack_rows<kSigned>(value(rows[0]), value(rows[1]), value(rows[2]), value(rows[3])), low,
        high);
    if constexpr (kLookup != Lookup::kNone) bytes = table(bytes);
    const __m128i quarters[4] = {
        _mm512_extracti32x4_epi32(bytes, 0), _mm512_extracti32x4_epi32(bytes, 1),
        _mm512_extracti32x4_epi32(bytes, 2), _mm512_extracti32x4_epi32(bytes, 3)};
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      std::int8_t* to = y + rows[i] * plan.y_pixel_stride;
      if (mask == 0xffff) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to), quarters[i]);
      } else {
        _mm_mask_storeu_epi8(to, mask, quarters[i]);
      }
    }
  }
}

/// 64 columns at a time, then two rows x 32 columns, at last four rows x 16; kSigned: the rounded
/// bytes are s8 (of y, or of the table's input).
template <bool kSigned, Residual kResidual, Lookup kLookup>
void store_bytes_bounded(const StorePlan& plan, const AccumulatorTile& tile) {
  // The residual: before a table or alone it is step 0, behind the table step 1.
  constexpr bool kBehind = kLookup == Lookup::kTableThenResidual;
  const EpilogueStep& step = plan.epilogue.steps[kBehind ? 1 : 0];
  const __m512 scale = _mm512_set1_ps(step.scale);
  const __m512i low = _mm512_set1_epi8(static_cast<char>(plan.byte_low));
  const __m512i high = _mm512_set1_epi8(static_cast<char>(plan.byte_high));
  const ByteTable table(plan.table);
  const ResidualBehindTable add_behind(plan);
  const std::int64_t acc_stride = tile.row_stride;
  const std::int64_t y_stride = plan.y_pixel_stride;
  const std::int64_t residual_stride = step.residual_pixel_stride;
  const auto* const residual = static_cast<const std::int8_t*>(step.residual);
  auto* const y = static_cast<std::int8_t*>(plan.y);
  const int rows = tile.rows;
  int column = 0;
  for (; column + 64 <= tile.columns; column += 64) {
    store_64_columns<kSigned, kResidual, kLookup>(plan, tile, column);
  }
  for (; column < tile.columns; column += 32) {
    const int left = tile.columns - column;
    if constexpr (!kBehind) {
      if (left <= 16) return store_16_columns<kSigned, kResidual, kLookup>(plan, tile, column);
    }
    const __mmask16 masks[2] = {mask_of(left), mask_of(left - 16)};
    const auto mask = static_cast<__mmask32>(masks[0] | static_cast<__mmask32>(masks[1]) << 16);
    const std::int64_t channel = tile.first_channel + column;
    const Channels constants[2] = {Channels(plan.epilogue, channel, masks[0]),
                                   Channels(plan.epilogue, channel + 16, masks[1])};
    const auto* acc = static_cast<const std::int32_t*>(tile.acc) + column;
    // A narrow strip computes its first half twice rather than read behind the accumulators.
    const int second = left > 16 ? 16 : 0;
    std::int64_t to = tile.first_pixel * y_stride + channel;
    std::int64_t from = tile.first_pixel * residual_stride + channel;
    const auto value = [&](const std::int32_t* at, int half, std::int64_t index) {
      const int offset = half == 0 ? 0 : second;
      const __m512 scaled =
          load_accumulators<false>(at, offset, constants[half].multiplier, constants[half].bias);
      return _mm512_cvtps_epi32(
          add_residual<kResidual>(scaled, residual, index + offset, 0xffff, scale));
    };
    for (int row = 0; row < rows; row += 2) {
      const std::int64_t next = row + 1 < rows ? 1 : 0;
      const std::int32_t* acc1 = acc + next * acc_stride;
      const std::int64_t from1 = from + next * residual_stride;
      __m512i bytes =
          clamp_bytes<kSigned>(pack_rows<kSigned>(value(acc, 0, from), value(acc, 1, from),
                                                  value(acc1, 0, from1), value(acc1, 1, from1)),
                               low, high);
      if constexpr (kLookup != Lookup::kNone) bytes = table(bytes);
      if constexpr (kBehind) bytes = add_behind(bytes, residual + from, residual + from1, second);
      store_half(y + to, _mm512_castsi512_si256(bytes), mask);
      if (next != 0) store_half(y + to + y_stride, _mm512_extracti64x4_epi64(bytes, 1), mask);
      acc += 2 * acc_stride;
      to += 2 * y_stride;
      from += 2 * residual_stride;
    }
  }
}

template <bool kFloatAcc, bool kFunction>
StoreAccumulators select_floats(Residual residual) {
  switch (residual) {
    case Residual::kNone:
      return kFunction ? store_function<kFloatAcc, Residual::kNone>
                       : store_floats<kFloatAcc, Residual::kNone>;
    case Residual::kInt8:
      return kFunction ? store_function<kFloatAcc, Residual::kInt8>
                       : store_floats<kFloatAcc, Residual::kInt8>;
    case Residual::kUInt8:
      return kFunction ? store_function<kFloatAcc, Residual::kUInt8>
                       : store_floats<kFloatAcc, Residual::kUInt8>;
    case Residual::kFloat:
      return kFunction ? store_function<kFloatAcc, Residual::kFloat>
                       : store_floats<kFloatAcc, Residual::kFloat>;
  }
  return store_any;
}

template <bool kSigned, Lookup kLookup>
StoreAccumulators select_bytes(Residual residual) {
  switch (residual) {
    case Residual::kNone:
      return store_bytes_bounded<kSigned, Residual::kNone, kLookup>;
    case Residual::kInt8:
      return store_bytes_bounded<kSigned, Residual::kInt8, kLookup>;
    case Residual::kUInt8:
      return store_bytes_bounded<kSigned, Residual::kUInt8, kLookup>;
    case Residual::kFloat:
      break;
  }
  return store_any;
}

template <bool kSigned>
StoreAccumulators select_lookup(const StorePlan& plan, Residual before) {
  if (plan.table_then_residual) {
    return store_bytes_bounded<kSigned, Residual::kNone, Lookup::kTableThenResidual>;
  }
  return plan.table == nullptr ? select_bytes<kSigned, Lookup::kNone>(before)
                               : select_bytes<kSigned, Lookup::kTable>(before);
}

inline Residual kind_of(const EpilogueStep& step) {
  return step.residual_dtype == DType::kInt8    ? Residual::kInt8
         : step.residual_dtype == DType::kUInt8 ? Residual::kUInt8
                                                : Residual::kFloat;
}

/// Whether nothing is clamped behind a function, the last step.
inline bool ends_with_function(const StorePlan& plan) {
  const Epilogue& e = plan.epilogue;
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  return e.step_count > 0 && e.steps[e.step_count - 1].kind == EpilogueStep::Kind::kActivation &&
         plan.low == -kInfinity && plan.high == kInfinity;
}

inline StoreAccumulators select_in_registers(const StorePlan& plan) {
  const Epilogue& e = plan.epilogue;
  const bool residual_first = e.step_count > 0 && e.steps[0].kind == EpilogueStep::Kind::kResidual;
  const Residual before = residual_first ? kind_of(e.steps[0]) : Residual::kNone;
  if (e.output_dtype == DType::kFloat32) {
    const int others = residual_first ? 1 : 0;
    if (ends_with_function(plan) && e.step_count == others + 1) {
      return plan.float_accumulators ? select_floats<true, true>(before)
                                     : select_floats<false, true>(before);
    }
    if (e.step_count > others) return store_any;
    return plan.float_accumulators ? select_floats<true, false>(before)
                                   : select_floats<false, false>(before);
  }
  if (!plan.bounded) return store_any;
  return plan.bytes_signed ? select_lookup<true>(plan, before) : select_lookup<false>(plan, before);
}

}  // namespace
}  // namespace xinfer::kernels
