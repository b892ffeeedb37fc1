// Cast between element types, and Clip for every numeric type.
#pragma once

#include <cstdint>

#include "core/status.h"
#include "core/thread_pool.h"
#include "xinfer/core/dtype.h"

namespace xinfer::kernels {

/// y[i] = x[i] as y_dtype. ONNX Cast version 13, and what it leaves open:
/// float to integer truncates towards zero, saturates at the type's limits, NaN gives 0; integer to
/// a narrower integer keeps the low bits; anything to bool is x != 0 (NaN is true); to float16 and
/// bfloat16 rounds half to even once, overflow gives infinity.
/// x and y must not overlap unless they are the same memory with elements of the same size.
void cast(DType x_dtype, const void* x, DType y_dtype, void* y, std::int64_t n, ThreadPool& pool);

/// y[i] = min(max(x[i], *low), *high); either bound may be null. ONNX Clip version 13: with
/// low > high everything becomes high; NaN stays NaN. In place is allowed. Fails with `unsupported`
/// for bool.
Status clip(DType dtype, const void* x, void* y, std::int64_t n, const void* low, const void* high,
            ThreadPool& pool);

}  // namespace xinfer::kernels
