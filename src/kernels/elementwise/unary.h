// Elementwise functions of one tensor: y[i] = f(x[i]).
//
// float32 has three builds of one source (float_math.h): AVX-512, AVX2 and portable give equal
// floats. Rare functions (Tan, Asin, …) are computed in double and rounded once. In place is
// allowed (y == x). Other element types are plain loops.
#pragma once

#include <cstdint>
#include <span>

#include "core/cpu_isa.h"
#include "core/status.h"
#include "core/thread_pool.h"
#include "xinfer/core/dtype.h"

namespace xinfer::kernels {

/// The function, named after its ONNX op (versions as of opset 24). The numbers are stored in
/// engine files (EpilogueStep::activation): append only.
enum class Unary : std::uint8_t {
  kIdentity = 0,
  kAbs,
  kNeg,
  kExp,
  kLog,
  kSqrt,
  kReciprocal,
  kFloor,
  kCeil,
  kRound,  ///< half to even
  kSign,
  kErf,
  kTanh,
  kSigmoid,
  kHardSigmoid,  ///< max(0, min(1, alpha x + beta))
  kHardSwish,    ///< x max(0, min(1, x / 6 + 0.5))
  kSilu,         ///< x sigmoid(x)
  kGelu,         ///< 0.5 x (1 + erf(x / sqrt 2))
  kGeluTanh,     ///< Gelu with approximate = "tanh"
  kRelu,
  kLeakyRelu,        ///< x < 0 ? alpha x : x
  kElu,              ///< x < 0 ? alpha (exp(x) - 1) : x
  kSelu,             ///< beta (x > 0 ? x : alpha (exp(x) - 1)); ONNX calls beta gamma
  kCelu,             ///< max(0, x) + min(0, alpha (exp(x / alpha) - 1))
  kThresholdedRelu,  ///< x > alpha ? x : 0
  kSoftplus,         ///< log(1 + exp(x))
  kSoftsign,         ///< x / (1 + |x|)
  kMish,             ///< x tanh(softplus(x))
  kShrink,  ///< x < -alpha ? x + beta : x > alpha ? x - beta : 0; alpha = lambd, beta = bias
  kSwish,   ///< x sigmoid(alpha x)
  kSin,
  kCos,
  kTan,
  kAsin,
  kAcos,
  kAtan,
  kSinh,
  kCosh,
  kAsinh,
  kAcosh,
  kAtanh,
  kNot,         ///< bool
  kBitwiseNot,  ///< integers
};
inline constexpr int kUnaryCount = static_cast<int>(Unary::kBitwiseNot) + 1;

/// "Exp", "HardSigmoid", …: the ONNX name, for reports and messages.
const char* to_string(Unary op);

/// y[0, n) = op(x[0, n)) on the calling thread.
using UnaryLoop = void (*)(const float* x, float* y, std::int64_t n, float alpha, float beta);

/// The float32 loop of an op; null for kNot and kBitwiseNot, which have no float form. For fused
/// epilogues, which call it on cached rows.
UnaryLoop unary_loop_f32(Unary op, CpuIsa isa);

/// y = op(x) over n dense float32 elements on all threads.
void unary_f32(Unary op, const float* x, float* y, std::int64_t n, float alpha, float beta,
               CpuIsa isa, ThreadPool& pool);

/// y = op(x) for any element type that ONNX allows: floats (float16 and bfloat16 are computed in
/// float32), and integers for Abs, Neg, Sign, Relu, Identity, BitwiseNot; bool for Not and
/// Identity. Fails with `unsupported` for any other combination.
Status unary(Unary op, DType dtype, const void* x, void* y, std::int64_t n, float alpha, float beta,
             CpuIsa isa, ThreadPool& pool);

/// The function in double, from its definition: for INT8 tables, float64 tensors and tests.
double unary_reference(Unary op, double x, double alpha, double beta);

/// The 256 bytes of an INT8 table: table[q & 255] = clamp(round_half_even(op(q * x_scale) /
/// y_scale)) computed in double (numerics: tables). Bytes are s8 or u8 as x_dtype and y_dtype say.
void unary_table(Unary op, double alpha, double beta, DType x_dtype, float x_scale, DType y_dtype,
                 float y_scale, std::span<std::uint8_t, 256> table);

}  // namespace xinfer::kernels
