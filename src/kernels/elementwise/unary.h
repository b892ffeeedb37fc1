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
#include "kernels/elementwise/kinds.h"
#include "xinfer/core/dtype.h"

namespace xinfer::kernels {

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
