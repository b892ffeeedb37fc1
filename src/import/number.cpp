#include "import/number.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <numeric>
#include <utility>

#include "import/bounds.h"
#include "import/expression.h"

namespace xinfer::import {
namespace {

using ir::Dim;
using kernels::Binary;
using kernels::Unary;
using MaybeNumber = std::optional<Number>;
using MaybeInt = std::optional<std::int64_t>;

/// A float factor of a symbolic value must be this simple a fraction (0.5, 1.75, 2.0).
constexpr std::int64_t kMaxDenominator = std::int64_t{1} << 20;

double round_to(DType dtype, double value) {
  return dtype == DType::kFloat64 ? value : static_cast<double>(static_cast<float>(value));
}

Number truth(bool value) { return Number::of_dim(Dim(value ? 1 : 0)); }

/// A float constant as a fraction of small numbers, so that it can meet a symbolic value.
MaybeNumber as_fraction(const Number& x) {
  if (!x.real) return x;
  if (!std::isfinite(*x.real)) return {};
  double scaled = *x.real;
  std::int64_t denominator = 1;
  while (scaled != std::floor(scaled)) {
    if (denominator >= kMaxDenominator) return {};
    scaled *= 2;
    denominator *= 2;
  }
  if (std::abs(scaled) > static_cast<double>(std::int64_t{1} << 31)) return {};
  return Number{Dim(static_cast<std::int64_t>(scaled)), denominator, std::nullopt};
}

/// numerator / denominator in lowest terms.
MaybeNumber fraction(std::optional<Dim> numerator, std::int64_t denominator) {
  if (!numerator || denominator <= 0 || denominator > kMaxCoefficient) return {};
  std::int64_t divisor = denominator;
  for (const Dim::Term& term : numerator->terms()) {
    divisor = std::gcd(divisor, term.coefficient);
  }
  if (divisor > 1) *numerator = ir::floordiv(*numerator, Dim(divisor));
  return Number{*std::move(numerator), denominator / divisor, std::nullopt};
}

/// Both numerators over one denominator.
struct Aligned {
  Dim a, b;
  std::int64_t denominator;
};
std::optional<Aligned> align(const Number& a, const Number& b) {
  if (a.denominator > kMaxDenominator || b.denominator > kMaxDenominator) return {};
  const auto x = multiply(a.numerator, Dim(b.denominator));
  const auto y = multiply(b.numerator, Dim(a.denominator));
  if (!x || !y) return {};
  return Aligned{*x, *y, a.denominator * b.denominator};
}

bool is_comparison(Binary fn) {
  return fn == Binary::kEqual || fn == Binary::kLess || fn == Binary::kLessOrEqual ||
         fn == Binary::kGreater || fn == Binary::kGreaterOrEqual;
}

template <typename T>
bool compare(Binary fn, T a, T b) {
  switch (fn) {
    case Binary::kEqual:
      return a == b;
    case Binary::kLess:
      return a < b;
    case Binary::kLessOrEqual:
      return a <= b;
    case Binary::kGreater:
      return a > b;
    default:
      return a >= b;
  }
}

/// Decides a comparison of a - b with 0 from the bounds of the difference.
MaybeNumber compare_symbolic(Binary fn, const Number& a, const Number& b) {
  const auto aligned = align(a, b);
  if (!aligned) return {};
  const auto difference = subtract(aligned->a, aligned->b);
  if (!difference) return {};
  const Interval range = bounds(*difference);
  const bool positive = range.low && *range.low > 0;
  const bool negative = range.high && *range.high < 0;
  const bool not_negative = range.low && *range.low >= 0;
  const bool not_positive = range.high && *range.high <= 0;
  switch (fn) {
    case Binary::kEqual:
      if (not_negative && not_positive) return truth(true);
      if (positive || negative) return truth(false);
      return {};
    case Binary::kLess:
      if (negative || not_negative) return truth(negative);
      return {};
    case Binary::kLessOrEqual:
      if (not_positive || positive) return truth(not_positive);
      return {};
    case Binary::kGreater:
      if (positive || not_positive) return truth(positive);
      return {};
    case Binary::kGreaterOrEqual:
      if (not_negative || negative) return truth(not_negative);
      return {};
    default:
      return {};
  }
}

MaybeNumber apply_real(Binary fn, DType dtype, double a, double b) {
  if (is_comparison(fn)) return truth(compare(fn, a, b));
  double result = 0;
  switch (fn) {
    case Binary::kAdd:
      result = a + b;
      break;
    case Binary::kSub:
      result = a - b;
      break;
    case Binary::kMul:
      result = a * b;
      break;
    case Binary::kDiv:
      result = a / b;
      break;
    case Binary::kPow:
      result = std::pow(a, b);
      break;
    case Binary::kMin:
      result = std::min(a, b);
      break;
    case Binary::kMax:
      result = std::max(a, b);
      break;
    case Binary::kFmod:
      result = std::fmod(a, b);
      break;
    default:
      return {};
  }
  return Number::of_real(round_to(dtype, result));
}

MaybeNumber divide_fractions(const Number& a, const Number& b) {
  if (!b.numerator.is_constant() || b.numerator.constant() == 0) return {};
  if (b.denominator > kMaxDenominator) return {};
  const bool negative = b.numerator.constant() < 0;
  const std::int64_t magnitude = std::abs(b.numerator.constant());
  std::int64_t denominator = 0;
  if (__builtin_mul_overflow(a.denominator, magnitude, &denominator)) return {};
  return fraction(multiply(a.numerator, Dim(negative ? -b.denominator : b.denominator)),
                  denominator);
}

MaybeNumber apply_fraction(Binary fn, const Number& a, const Number& b) {
  if (fn == Binary::kMul) {
    if (a.denominator > kMaxDenominator || b.denominator > kMaxDenominator) return {};
    return fraction(multiply(a.numerator, b.numerator), a.denominator * b.denominator);
  }
  if (fn == Binary::kDiv) return divide_fractions(a, b);
  const bool linear =
      fn == Binary::kAdd || fn == Binary::kSub || fn == Binary::kMin || fn == Binary::kMax;
  const auto aligned = linear ? align(a, b) : std::nullopt;
  if (!aligned) return {};
  return fraction(apply_integer(fn, aligned->a, aligned->b), aligned->denominator);
}

MaybeNumber apply_logic(Binary fn, const Number& a, const Number& b) {
  if (!a.is_constant() || !b.is_constant()) return {};
  const bool x = a.constant_value() != 0;
  const bool y = b.constant_value() != 0;
  return truth(fn == Binary::kAnd ? x && y : fn == Binary::kOr ? x || y : x != y);
}

MaybeNumber apply_real(Unary fn, DType dtype, double x) {
  double result = 0;
  switch (fn) {
    case Unary::kAbs:
      result = std::abs(x);
      break;
    case Unary::kNeg:
      result = -x;
      break;
    case Unary::kFloor:
      result = std::floor(x);
      break;
    case Unary::kCeil:
      result = std::ceil(x);
      break;
    case Unary::kRound:
      result = std::nearbyint(x);
      break;
    case Unary::kSqrt:
      result = std::sqrt(x);
      break;
    case Unary::kReciprocal:
      result = 1 / x;
      break;
    case Unary::kExp:
      result = std::exp(x);
      break;
    case Unary::kLog:
      result = std::log(x);
      break;
    default:
      return {};
  }
  return Number::of_real(round_to(dtype, result));
}

/// A constant wrapped into the range of an integer dtype, as a C++ conversion does.
std::int64_t wrap(DType to, std::int64_t value) {
  switch (to) {
    case DType::kInt8:
      return static_cast<std::int8_t>(value);
    case DType::kUInt8:
      return static_cast<std::uint8_t>(value);
    case DType::kInt16:
      return static_cast<std::int16_t>(value);
    case DType::kUInt16:
      return static_cast<std::uint16_t>(value);
    case DType::kInt32:
      return static_cast<std::int32_t>(value);
    case DType::kUInt32:
      return static_cast<std::uint32_t>(value);
    default:
      return value;
  }
}

}  // namespace

double Number::constant_value() const {
  if (real) return *real;
  return static_cast<double>(numerator.constant()) / static_cast<double>(denominator);
}

std::optional<Dim> Number::integer() const {
  if (real || denominator != 1) return {};
  return numerator;
}

bool is_floating(DType dtype) {
  return dtype == DType::kFloat32 || dtype == DType::kFloat64 || dtype == DType::kFloat16 ||
         dtype == DType::kBFloat16;
}

MaybeNumber apply(Binary fn, DType dtype, const Number& a, const Number& b) {
  if (fn == Binary::kAnd || fn == Binary::kOr || fn == Binary::kXor) return apply_logic(fn, a, b);
  if (is_floating(dtype)) {
    if (a.is_constant() && b.is_constant()) {
      return apply_real(fn, dtype, a.constant_value(), b.constant_value());
    }
    const MaybeNumber x = as_fraction(a);
    const MaybeNumber y = as_fraction(b);
    if (!x || !y) return {};
    return is_comparison(fn) ? compare_symbolic(fn, *x, *y) : apply_fraction(fn, *x, *y);
  }
  const auto x = a.integer();
  const auto y = b.integer();
  if (!x || !y) return {};
  if (is_comparison(fn)) {
    if (x->is_constant() && y->is_constant()) {
      return truth(compare(fn, x->constant(), y->constant()));
    }
    return compare_symbolic(fn, a, b);
  }
  auto result = apply_integer(fn, *x, *y);
  if (!result) return {};
  return Number::of_dim(*std::move(result));
}

MaybeNumber apply(Unary fn, DType dtype, const Number& x) {
  if (fn == Unary::kNot) {
    if (!x.is_constant()) return {};
    return truth(x.constant_value() == 0);
  }
  if (is_floating(dtype) && x.is_constant()) return apply_real(fn, dtype, x.constant_value());
  switch (fn) {
    case Unary::kAbs:
      return fraction(absolute(x.numerator), x.denominator);
    case Unary::kNeg:
      return fraction(subtract(Dim(0), x.numerator), x.denominator);
    case Unary::kFloor:
      return Number::of_dim(ir::floordiv(x.numerator, Dim(x.denominator)));
    case Unary::kCeil:
      return Number::of_dim(ir::ceildiv(x.numerator, Dim(x.denominator)));
    case Unary::kRound:
      if (x.denominator == 1) return x;
      return {};
    default:
      return {};
  }
}

MaybeNumber cast(DType from, DType to, const Number& x) {
  if (is_floating(to)) {
    if (x.is_constant()) return Number::of_real(round_to(to, x.constant_value()));
    return x;
  }
  if (to == DType::kBool) {
    if (x.is_constant()) return truth(x.constant_value() != 0);
    return apply(Binary::kGreater, from, x, Number::of_dim(Dim(0)));
  }
  if (x.real) {
    // Beyond the integers that a double and an int64 share, C++ leaves the conversion undefined.
    if (!(std::abs(*x.real) < 9.0e15)) return {};
    return Number::of_dim(Dim(wrap(to, static_cast<std::int64_t>(*x.real))));
  }
  if (x.is_constant() && x.denominator == 1) {
    return Number::of_dim(Dim(wrap(to, x.numerator.constant())));
  }
  const MaybeInt low = lower_bound(x.numerator);
  if (x.denominator != 1 && (!low || *low < 0)) return {};
  return Number::of_dim(ir::floordiv(x.numerator, Dim(x.denominator)));
}

}  // namespace xinfer::import
