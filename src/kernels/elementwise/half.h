// float16 (IEEE 754 binary16) and bfloat16 as storage types: arithmetic happens in float32.
// Conversions to them round half to even once, from float or double; overflow gives infinity, as
// ONNX Cast (version 13) demands of float16 and bfloat16.
#pragma once

#include <bit>
#include <cstdint>

namespace xinfer::kernels {

namespace half_detail {

/// Rounds a double to a binary format of `mantissa_bits` stored bits and exponents
/// [min_exponent, max_exponent], returning its bits without the sign.
inline std::uint32_t round_magnitude(double value, int mantissa_bits, int min_exponent,
                                     int max_exponent) {
  const std::uint64_t bits = std::bit_cast<std::uint64_t>(value) & 0x7fffffffffffffffull;
  const std::uint32_t exponent_field = static_cast<std::uint32_t>(max_exponent - min_exponent + 2);
  const std::uint32_t infinity = exponent_field << mantissa_bits;
  if (bits > 0x7ff0000000000000ull) return infinity | (1u << (mantissa_bits - 1));  // NaN
  if (bits == 0x7ff0000000000000ull) return infinity;
  if (bits == 0) return 0;
  const int exponent = static_cast<int>(bits >> 52) - 1023;
  std::uint64_t mantissa = bits & 0xfffffffffffffull;
  if (exponent < min_exponent - mantissa_bits - 2) return 0;  // also every double denormal
  mantissa |= 1ull << 52;
  const bool denormal = exponent < min_exponent;
  const int drop = 52 - mantissa_bits + (denormal ? min_exponent - exponent : 0);
  const std::uint64_t halfway = 1ull << (drop - 1);
  std::uint64_t kept = mantissa >> drop;
  const std::uint64_t rest = mantissa & ((1ull << drop) - 1);
  if (rest > halfway || (rest == halfway && (kept & 1))) ++kept;
  // A carry out of the mantissa moves into the exponent by itself.
  const std::uint64_t base =
      denormal ? 0 : static_cast<std::uint64_t>(exponent - min_exponent) << mantissa_bits;
  const std::uint64_t result = base + kept;
  return result >= infinity ? infinity : static_cast<std::uint32_t>(result);
}

}  // namespace half_detail

struct Float16 {
  std::uint16_t bits = 0;

  Float16() = default;
  /// The common case without branches on the value's class beyond two: normal numbers round by an
  /// integer addition, denormals by a float addition that aligns them at 2^-24.
  explicit Float16(float value) {
    const std::uint32_t word = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t sign = (word >> 16) & 0x8000u;
    const std::uint32_t magnitude = word & 0x7fffffffu;
    std::uint32_t half;
    if (magnitude >= 0x47800000u) {  // 65536 and up, infinity, NaN
      half = magnitude > 0x7f800000u ? 0x7e00u : 0x7c00u;
    } else if (magnitude < 0x38800000u) {  // below 2^-14
      const float aligned = std::bit_cast<float>(magnitude) + 0.5f;
      half = std::bit_cast<std::uint32_t>(aligned) - 0x3f000000u;
    } else {
      half = (magnitude - 0x38000000u + 0xfffu + ((magnitude >> 13) & 1u)) >> 13;
    }
    bits = static_cast<std::uint16_t>(sign | half);
  }
  explicit Float16(double value) {
    const std::uint32_t sign = std::bit_cast<std::uint64_t>(value) >> 63 ? 0x8000u : 0u;
    bits = static_cast<std::uint16_t>(sign | half_detail::round_magnitude(value, 10, -14, 15));
  }
  operator float() const {  // NOLINT: implicit on purpose
    const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000u) << 16;
    const std::uint32_t exponent = (bits >> 10) & 31u;
    const std::uint32_t mantissa = bits & 0x3ffu;
    if (exponent == 0) {
      const float magnitude = static_cast<float>(mantissa) * 5.9604644775390625e-8f;  // 2^-24
      return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(magnitude));
    }
    const std::uint32_t field = exponent == 31 ? 255u : exponent + 112u;
    return std::bit_cast<float>(sign | (field << 23) | (mantissa << 13));
  }
};

struct BFloat16 {
  std::uint16_t bits = 0;

  BFloat16() = default;
  explicit BFloat16(float value) {
    const std::uint32_t word = std::bit_cast<std::uint32_t>(value);
    const bool nan = (word & 0x7fffffffu) > 0x7f800000u;
    const std::uint32_t rounded = (word + 0x7fffu + ((word >> 16) & 1u)) >> 16;
    bits = static_cast<std::uint16_t>(nan ? (word >> 16 & 0x8000u) | 0x7fc0u : rounded);
  }
  explicit BFloat16(double value) {
    const std::uint32_t sign = std::bit_cast<std::uint64_t>(value) >> 63 ? 0x8000u : 0u;
    bits = static_cast<std::uint16_t>(sign | half_detail::round_magnitude(value, 7, -126, 127));
  }
  operator float() const {  // NOLINT: implicit on purpose
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
  }
};

}  // namespace xinfer::kernels
