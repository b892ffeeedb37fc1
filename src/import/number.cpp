#include "import/number.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <numeric>
#include <utility>

namespace xinfer::import {
namespace {

using ir::Dim;
using kernels::Binary;
using kernels::Unary;
using MaybeNumber = std::optional<Number>;
using MaybeInt = std::optional<std::int64_t>;

/// Expressions beyond these sizes come from hostile or senseless models.
constexpr std::size_t kMaxTerms = 64;
constexpr std::size_t kMaxExpressionText = 4096;
/// Coefficients stay below this, so that sums and products of a few cannot overflow.
constexpr std::int64_t kMaxCoefficient = std::int64_t{1} << 53;
/// A float factor of a symbolic value must be this simple a fraction (0.5, 1.75, 2.0).
constexpr std::int64_t kMaxDenominator = std::int64_t{1} << 20;

std::int64_t largest_coefficient(const Dim& dim) {
  std::int64_t largest = 0;
  for (const Dim::Term& term : dim.terms()) {
    if (term.coefficient == std::numeric_limits<std::int64_t>::min()) return kMaxCoefficient + 1;
    largest = std::max(largest, std::abs(term.coefficient));
  }
  return largest;
}

std::optional<Dim> checked(Dim dim) {
  if (dim.terms().size() > kMaxTerms || largest_coefficient(dim) > kMaxCoefficient) return {};
  if (!dim.is_constant() && dim.to_string().size() > kMaxExpressionText) return {};
  return dim;
}

bool may_add(const Dim& a, const Dim& b) {
  return largest_coefficient(a) <= kMaxCoefficient && largest_coefficient(b) <= kMaxCoefficient;
}

std::optional<Dim> add(const Dim& a, const Dim& b) {
  return may_add(a, b) ? checked(a + b) : std::nullopt;
}

std::optional<Dim> subtract(const Dim& a, const Dim& b) {
  return may_add(a, b) ? checked(a - b) : std::nullopt;
}

std::optional<Dim> multiply(const Dim& a, const Dim& b) {
  std::int64_t product = 0;
  const bool overflows =
      __builtin_mul_overflow(largest_coefficient(a), largest_coefficient(b), &product);
  const bool too_long = a.terms().size() * b.terms().size() > kMaxTerms;
  // kMaxTerms like terms may meet in one coefficient.
  if (overflows || too_long || product > kMaxCoefficient / static_cast<std::int64_t>(kMaxTerms)) {
    return {};
  }
  return checked(a * b);
}

struct Interval {
  MaybeInt low, high;
};

MaybeInt checked_multiply(MaybeInt a, MaybeInt b) {
  std::int64_t product = 0;
  if (!a || !b || __builtin_mul_overflow(*a, *b, &product)) return {};
  return product;
}

MaybeInt checked_add(MaybeInt a, MaybeInt b) {
  std::int64_t sum = 0;
  if (!a || !b || __builtin_add_overflow(*a, *b, &sum)) return {};
  return sum;
}

Interval bounds(const Dim& dim);

/// The one known bound of two, or `pick` of both.
MaybeInt either(MaybeInt a, MaybeInt b,
                const std::int64_t& (*pick)(const std::int64_t&, const std::int64_t&)) {
  if (a && b) return pick(*a, *b);
  return a ? a : b;
}

MaybeInt both(MaybeInt a, MaybeInt b,
              const std::int64_t& (*pick)(const std::int64_t&, const std::int64_t&)) {
  if (a && b) return pick(*a, *b);
  return {};
}

Interval bounds(const Dim::Atom& atom) {
  if (atom.kind == Dim::Atom::Kind::kSymbol) return {1, std::nullopt};
  const Interval a = bounds(atom.a);
  const Interval b = bounds(atom.b);
  switch (atom.kind) {
    case Dim::Atom::Kind::kMin:
      return {both(a.low, b.low, std::min), either(a.high, b.high, std::min)};
    case Dim::Atom::Kind::kMax:
      return {either(a.low, b.low, std::max), both(a.high, b.high, std::max)};
    case Dim::Atom::Kind::kFloorDiv:
      if (atom.b.is_constant() && atom.b.constant() > 0) {
        const auto divide = [&](MaybeInt value) -> MaybeInt {
          if (!value) return {};
          return ir::floordiv(Dim(*value), atom.b).constant();
        };
        return {divide(a.low), divide(a.high)};
      }
      // A non-negative value divided by a positive one stays non-negative.
      if (a.low && *a.low >= 0 && b.low && *b.low >= 1) return {0, a.high};
      break;
    case Dim::Atom::Kind::kSymbol:
      break;
  }
  return {};
}

Interval bounds(const Dim::Term& term) {
  Interval product{1, 1};
  for (const auto& atom : term.atoms) {
    const Interval factor = bounds(*atom);
    if (term.atoms.size() > 1 && (!factor.low || *factor.low < 0)) return {};
    product = {checked_multiply(product.low, factor.low),
               checked_multiply(product.high, factor.high)};
  }
  if (term.coefficient < 0) std::swap(product.low, product.high);
  return {checked_multiply(product.low, term.coefficient),
          checked_multiply(product.high, term.coefficient)};
}

Interval bounds(const Dim& dim) {
  Interval sum{0, 0};
  for (const Dim::Term& term : dim.terms()) {
    const Interval next = bounds(term);
    sum = {checked_add(sum.low, next.low), checked_add(sum.high, next.high)};
  }
  return sum;
}

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

/// Integer division towards zero, where the sign of the operands is known.
std::optional<Dim> divide(const Dim& a, const Dim& b) {
  if (a.is_constant() && b.is_constant()) {
    const bool overflows =
        a.constant() == std::numeric_limits<std::int64_t>::min() && b.constant() == -1;
    if (b.constant() == 0 || overflows) return {};
    return Dim(a.constant() / b.constant());
  }
  const MaybeInt low_a = lower_bound(a);
  const MaybeInt low_b = lower_bound(b);
  if (!low_a || *low_a < 0 || !low_b || *low_b < 1) return {};
  return checked(ir::floordiv(a, b));
}

/// Remainder with the sign of the divisor.
std::optional<Dim> modulo(const Dim& a, const Dim& b) {
  const MaybeInt low_b = lower_bound(b);
  if (!low_b || *low_b < 1 || !may_add(a, b)) return {};
  const auto whole = multiply(ir::floordiv(a, b), b);
  return whole ? subtract(a, *whole) : std::nullopt;
}

std::optional<Dim> power(const Dim& a, const Dim& b) {
  if (!b.is_constant() || b.constant() < 0 || b.constant() > 62) return {};
  std::optional<Dim> product = Dim(1);
  for (std::int64_t i = 0; i < b.constant() && product; ++i) product = multiply(*product, a);
  return product;
}

std::optional<Dim> apply_integer(Binary fn, const Dim& a, const Dim& b) {
  switch (fn) {
    case Binary::kAdd:
      return add(a, b);
    case Binary::kSub:
      return subtract(a, b);
    case Binary::kMul:
      return multiply(a, b);
    case Binary::kDiv:
      return divide(a, b);
    case Binary::kMod:
      return modulo(a, b);
    case Binary::kPow:
      return power(a, b);
    case Binary::kMin:
      return may_add(a, b) ? checked(ir::min(a, b)) : std::nullopt;
    case Binary::kMax:
      return may_add(a, b) ? checked(ir::max(a, b)) : std::nullopt;
    default:
      return {};
  }
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

std::optional<Dim> absolute(const Dim& dim) {
  const Interval range = bounds(dim);
  if (range.low && *range.low >= 0) return dim;
  if (range.high && *range.high <= 0) return subtract(Dim(0), dim);
  return {};
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

std::optional<std::int64_t> lower_bound(const Dim& dim) { return bounds(dim).low; }

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
