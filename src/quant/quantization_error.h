// What quantisation does to float values: the grid's nearest values, and squared differences.
#pragma once

#include <span>

#include "xinfer/core/dtype.h"

namespace xinfer::quant {

/// y[i] = dequantize(quantize(x[i])) on the grid of `dtype` (kInt8 or kUInt8), except that a
/// negative x may give -0. `y` is as long as `x`, or `x` itself; no NaN.
void round_to_grid(std::span<const float> x, float scale, DType dtype, std::span<float> y);

/// Sum of (a[i] - b[i])^2. Summed in an order of its own, which depends on the length alone.
double squared_difference(std::span<const float> a, std::span<const float> b);

/// Sum of x[i]^2, in the order of squared_difference.
double squared_sum(std::span<const float> x);

}  // namespace xinfer::quant
