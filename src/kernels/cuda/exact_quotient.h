// Quantisation without a division: y = fma(x, reciprocal, x * rest) in place of x / divisor.
#pragma once

#include <optional>

#include "xinfer/core/dtype.h"

namespace xinfer::kernels::cuda {

/// reciprocal + rest is 1 / divisor to about 48 bits; both are positive, or rest is 0.
struct ExactQuotient {
  float reciprocal = 1.0f;
  float rest = 0.0f;
};

/// The two parts, if for every float x, infinities included, fma(x, reciprocal, x * rest) rounds
/// half even to the same element of the INT8 type as x / divisor does, both clamped (for a rest of
/// 0: x * reciprocal). The proof: both are non-decreasing in x, so they agree everywhere if they
/// step from one integer to the next at the same floats, which this compares. None for divisors
/// that are not positive and normal, or whose reciprocal is not.
std::optional<ExactQuotient> exact_quotient(float divisor, DType type);

}  // namespace xinfer::kernels::cuda
