// float32 elementary functions as straight-line scalar code that compilers vectorise: the same
// operations in the same order, with explicit fma, on every instruction set, hence equal floats.
//
// Range reduction is the usual Cody-Waite scheme; polynomials are near-minimax fits made for this
// file (weighted Chebyshev least squares with Lawson's reweighting). The error bounds below are
// asserted by unary_test.cpp against double precision over the whole range:
//   exp 1.1 ulp, log 1 ulp, erf 2 ulp, tanh 3 ulp, sigmoid and silu 3 ulp.
// Included by per-instruction-set files: see isa_namespace.h.
#pragma once

#include "kernels/elementwise/isa_namespace.h"

namespace xinfer::kernels::XINFER_ISA_NAMESPACE {

inline float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
inline unsigned bits_of(float x) { return __builtin_bit_cast(unsigned, x); }
inline float float_of(unsigned bits) { return __builtin_bit_cast(float, bits); }
inline float absolute(float x) { return float_of(bits_of(x) & 0x7fffffffu); }
inline float copy_sign(float magnitude, float sign) {
  return float_of((bits_of(magnitude) & 0x7fffffffu) | (bits_of(sign) & 0x80000000u));
}

/// Adding 1.5 * 2^23 rounds |x| < 2^22 half to even and leaves the integer in the low bits.
inline constexpr float kRoundMagic = 12582912.0f;
inline constexpr unsigned kRoundMagicBits = 0x4B400000u;

/// max(y, low) and min(y, high) with the operand order of maxps / minps: NaN gives the bound.
inline float clamp(float y, float low, float high) {
  y = y > low ? y : low;
  return y < high ? y : high;
}

/// y, which must lie in the range of T (signed or unsigned char), rounded half to even. The magic
/// number's low byte is zero, so no subtraction is needed.
template <typename T>
inline T round_to_byte(float y) {
  static_assert(sizeof(T) == 1);
  return static_cast<T>(static_cast<unsigned char>(bits_of(y + kRoundMagic)));
}

/// y clamped to the range of T as float, then rounded half to even; NaN gives the least value.
template <typename T>
inline T quantised(float y) {
  constexpr bool kSigned = T(-1) < T(0);
  return round_to_byte<T>(clamp(y, kSigned ? -128.0f : 0.0f, kSigned ? 127.0f : 255.0f));
}

/// The parts of exp(x) = 2^n * (1 + m): m = expm1(r), and 2^n as the product of two floats, which
/// reaches denormals and infinity. x must lie in [-104, 89].
struct ExpParts {
  float m;
  float scale_a;
  float scale_b;
};

inline constexpr float kExpLog2E = 1.44269504f;
inline constexpr float kExpLn2High = 0.693359375f;  // 9 bits: n * kExpLn2High is exact
inline constexpr float kExpLn2Low = -2.12194440e-4f;
/// expm1(r) = r + r^2 * q(r), highest power first.
inline constexpr float kExpTerms[] = {1.39504892e-3f, 8.3688898e-3f, 4.1666206e-2f, 0.166665182f,
                                      0.5f};

inline ExpParts exp_parts(float x) {
  const float shifted = fma(x, kExpLog2E, kRoundMagic);
  const float n = shifted - kRoundMagic;
  float r = fma(n, -kExpLn2High, x);
  r = fma(n, -kExpLn2Low, r);
  float q = kExpTerms[0];
  q = fma(q, r, kExpTerms[1]);
  q = fma(q, r, kExpTerms[2]);
  q = fma(q, r, kExpTerms[3]);
  q = fma(q, r, kExpTerms[4]);
  const int exponent = static_cast<int>(bits_of(shifted) - kRoundMagicBits);
  const unsigned half = static_cast<unsigned>(exponent >> 1);
  const unsigned rest = static_cast<unsigned>(exponent) - half;
  // At -104, where masked logits end up, the result is an exact zero: 2^-150 as a product would
  // cost a denormal's microcode assist.
  const float scale_b = x > -104.0f ? float_of((rest + 127u) << 23) : 0.0f;
  return {fma(r * r, q, r), float_of((half + 127u) << 23), scale_b};
}

/// exp(x): 0 below -103.97, infinity above 88.72, NaN for NaN.
inline float exp(float x) {
  float t = 89.0f < x ? 89.0f : x;
  t = -104.0f > t ? -104.0f : t;
  const ExpParts parts = exp_parts(t);
  return (1.0f + parts.m) * parts.scale_a * parts.scale_b;
}

/// exp(x) - 1 without cancellation near zero.
inline float expm1(float x) {
  float t = 89.0f < x ? 89.0f : x;
  t = -104.0f > t ? -104.0f : t;
  const ExpParts parts = exp_parts(t);
  const float scaled = parts.m * parts.scale_a;
  // scale_a * scale_b overflows only where the result does.
  const float power = parts.scale_a * parts.scale_b;
  const float y = fma(scaled, parts.scale_b, power - 1.0f);
  return power > 1e38f ? (1.0f + parts.m) * parts.scale_a * parts.scale_b : y;
}

/// log(x): -infinity at 0, NaN below, denormals included.
inline float log(float x) {
  const bool denormal = x < 1.17549435e-38f;
  const float scaled = denormal ? x * 8388608.0f : x;
  // Exponent such that the mantissa lies in [sqrt(1/2), sqrt(2)).
  const unsigned offset = bits_of(scaled) - 0x3f3504f3u;
  const int exponent = static_cast<int>(offset) >> 23;
  const float mantissa = float_of((offset & 0x007fffffu) + 0x3f3504f3u);
  const float n = static_cast<float>(exponent) - (denormal ? 23.0f : 0.0f);
  const float f = mantissa - 1.0f;
  float p = 6.91536814e-2f;
  p = fma(p, f, -0.117898077f);
  p = fma(p, f, 0.118729763f);
  p = fma(p, f, -0.123843484f);
  p = fma(p, f, 0.142186582f);
  p = fma(p, f, -0.16669251f);
  p = fma(p, f, 0.200022265f);
  p = fma(p, f, -0.249999866f);
  p = fma(p, f, 0.333333105f);
  const float f2 = f * f;
  float y = f2 * f * p;
  y = fma(n, -2.12194440e-4f, y);
  y = fma(f2, -0.5f, y);
  y = y + f;
  y = fma(n, 0.693359375f, y);
  y = x == __builtin_inff() ? x : y;
  y = x == 0.0f ? -__builtin_inff() : y;
  return x >= 0.0f ? y : __builtin_nanf("");
}

/// log(1 + z) for z >= 0, accurate for small z (Goldberg's correction).
inline float log1p(float z) {
  const float w = 1.0f + z;
  return log(w) + (z - (w - 1.0f)) / w;
}

/// erf(x) for |x| < 1.
inline float erf_small(float x) {
  const float u = x * x;
  float p = 7.8891193e-5f;
  p = fma(p, u, -8.02084105e-4f);
  p = fma(p, u, 5.18953521e-3f);
  p = fma(p, u, -2.68544443e-2f);
  p = fma(p, u, 0.112836003f);
  p = fma(p, u, -0.37612626f);
  // 2 / sqrt(pi) = 1 + 0.12837917: the sum keeps the last bit.
  p = fma(p, u, 0.128379166f);
  return fma(p, x, x);
}

/// 1 - erf(t) for t >= 1, by -log(erfc(t)) as a polynomial; 0 from t = 4 on.
inline float erfc_large(float t) {
  const float s = t < 4.0f ? t : 4.0f;
  float q = 1.65473139e-5f;
  q = fma(q, s, -3.72539682e-4f);
  q = fma(q, s, 3.82282212e-3f);
  q = fma(q, s, -2.40709875e-2f);
  q = fma(q, s, 0.106453627f);
  q = fma(q, s, 0.635190725f);
  q = fma(q, s, 1.12851429f);
  q = fma(q, s, 5.0989478e-5f);
  return t >= 4.0f ? 0.0f : exp(-q);
}

inline float erf(float x) {
  const float t = absolute(x);
  const float large = copy_sign(1.0f - erfc_large(t), x);
  const float y = t < 1.0f ? erf_small(x) : large;
  return x != x ? x : y;
}

inline float tanh(float x) {
  const float t = absolute(x);
  const float u = x * x;
  float p = -5.72163006e-3f;
  p = fma(p, u, 2.06552185e-2f);
  p = fma(p, u, -5.37451431e-2f);
  p = fma(p, u, 0.133315146f);
  p = fma(p, u, -0.333332837f);
  const float small = fma(p * u, x, x);
  const float large = copy_sign(1.0f - 2.0f / (exp(t + t) + 1.0f), x);
  const float y = t < 0.625f ? small : large;
  return x != x ? x : copy_sign(y, x);  // fma loses the sign of -0
}

inline float sigmoid(float x) { return 1.0f / (1.0f + exp(-x)); }
inline float silu(float x) { return x / (1.0f + exp(-x)); }

/// x * Phi(x) with Phi by erf; absolute error below 1e-7 * max(1, |x|).
inline float gelu(float x) {
  const float scaled = x * 0.707106781f;
  const float t = absolute(scaled);
  const float tail = 0.5f * erfc_large(t);
  const float outer = x < 0.0f ? tail : 1.0f - tail;
  const float inner = fma(0.5f, erf_small(scaled), 0.5f);
  return x * (t < 1.0f ? inner : outer);
}

/// 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) = x * sigmoid(2 sqrt(2/pi) (x + ...)).
inline float gelu_tanh(float x) {
  const float u = x * fma(x * x, 0.0713548162726f, 1.59576912161f);
  return x / (1.0f + exp(-u));
}

inline float softplus(float x) { return (0.0f > x ? 0.0f : x) + log1p(exp(-absolute(x))); }

/// x * tanh(softplus(x)) = x * n (n + 2) / (n (n + 2) + 2) with n = exp(x).
inline float mish(float x) {
  const float n = exp(20.0f < x ? 20.0f : x);
  const float p = n * (n + 2.0f);
  return x > 20.0f ? x : x * (p / (p + 2.0f));
}

}  // namespace xinfer::kernels::XINFER_ISA_NAMESPACE
