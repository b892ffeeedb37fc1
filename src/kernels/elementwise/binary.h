// Elementwise functions of two tensors with broadcasting: y = f(a, b).
//
// Arithmetic follows NumPy, on which ONNX defines these ops: integers wrap, integer division
// truncates (ONNX Div), kMod has the sign of the divisor, kFmod that of the dividend; Min and Max
// propagate NaN. What NumPy leaves undefined is defined here: integer division and remainder by
// zero give 0, and an integer to a negative power is 0 unless the base is 1 or -1.
#pragma once

#include <cstdint>

#include "core/cpu_isa.h"
#include "core/status.h"
#include "core/thread_pool.h"
#include "kernels/elementwise/broadcast.h"
#include "kernels/elementwise/kinds.h"
#include "xinfer/core/dtype.h"

namespace xinfer::kernels {

/// "Add", "LessOrEqual", …, for reports and messages.
const char* to_string(Binary op);

/// True for the comparisons, whose output is bool whatever the inputs are.
bool is_comparison(Binary op);

/// y = op(a, b) over a loop made by broadcast({a_dims, b_dims}); a and b have element type `dtype`,
/// y has it too, or bool after a comparison. kAnd, kOr and kXor take bool, the bitwise ops
/// integers. y may be a or b if that input is not broadcast. Fails with `unsupported` for a type
/// that the op does not have.
Status binary(Binary op, DType dtype, const StridedLoop<3>& loop, const void* a, const void* b,
              void* y, CpuIsa isa, ThreadPool& pool);

/// y = a ^ b, where a and y have element type `dtype` and b has `exponent_dtype` (any numeric
/// types). ONNX Pow version 15. Floats are computed in double and rounded once.
Status power(DType dtype, DType exponent_dtype, const StridedLoop<3>& loop, const void* a,
             const void* b, void* y, ThreadPool& pool);

}  // namespace xinfer::kernels
