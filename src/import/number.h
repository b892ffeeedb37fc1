// Numbers known at import: constants, and exact expressions over the symbols of dynamic dimensions.
// They are what shape arithmetic (Shape, Gather, Cast, Mul, Floor, …) computes with.
#pragma once

#include <cstdint>
#include <optional>

#include "ir/dim.h"
#include "kernels/elementwise/kinds.h"
#include "xinfer/core/dtype.h"

namespace xinfer::import {

/// Either a floating-point constant (`real`), or the fraction numerator / denominator. Integers and
/// bools are fractions with denominator 1; a float that depends on a symbol is a fraction.
struct Number {
  ir::Dim numerator;
  std::int64_t denominator = 1;  ///< > 0
  std::optional<double> real;

  static Number of_dim(ir::Dim dim) { return {std::move(dim), 1, std::nullopt}; }
  static Number of_real(double value) { return {ir::Dim(), 1, value}; }

  bool is_constant() const { return real.has_value() || numerator.is_constant(); }
  /// Only for a constant.
  double constant_value() const;
  /// The expression if the number is an integer that needs no fraction.
  std::optional<ir::Dim> integer() const;
};

/// a fn b in the arithmetic of `dtype` (comparisons and logic: the operands' dtype; the result is 0
/// or 1). Nothing if the result has no exact expression, or one too large to be worth having.
/// Symbols are taken to be at least 1: an empty dynamic dimension is never served.
std::optional<Number> apply(kernels::Binary fn, DType dtype, const Number& a, const Number& b);

/// fn(x) in the arithmetic of `dtype`, under the same terms. kAbs, kNeg, kFloor, kCeil, kRound,
/// kSqrt, kReciprocal, kExp, kLog, kNot; the others give nothing.
std::optional<Number> apply(kernels::Unary fn, DType dtype, const Number& x);

/// ONNX Cast; towards zero from float to integer.
std::optional<Number> cast(DType from, DType to, const Number& x);

bool is_floating(DType dtype);

}  // namespace xinfer::import
