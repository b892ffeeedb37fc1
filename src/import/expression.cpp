#include "import/expression.h"

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "import/bounds.h"

namespace xinfer::import {
namespace {

using ir::Dim;
using kernels::Binary;
using MaybeInt = std::optional<std::int64_t>;

/// Expressions beyond these sizes come from hostile or senseless models.
constexpr std::size_t kMaxTerms = 64;
constexpr std::size_t kMaxExpressionText = 4096;

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

}  // namespace

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

std::optional<Dim> absolute(const Dim& dim) {
  const Interval range = bounds(dim);
  if (range.low && *range.low >= 0) return dim;
  if (range.high && *range.high <= 0) return subtract(Dim(0), dim);
  return {};
}

/// A constant wrapped into the range of an integer dtype, as a C++ conversion does.

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

bool is_moderate(const Dim& dim) {
  constexpr std::int64_t kMost = std::int64_t{1} << 31;
  if (dim.terms().size() > kMaxTerms || largest_coefficient(dim) > kMost) return false;
  return dim.is_constant() || dim.to_string().size() <= kMaxExpressionText;
}

bool is_moderate(const ir::SymbolicShape& shape) {
  constexpr std::int64_t kMost = std::int64_t{1} << 60;
  // Expanding the product meets at most `terms` like terms, each at most `magnitude` large.
  std::int64_t terms = 1;
  std::int64_t magnitude = 1;
  for (const Dim& dim : shape) {
    if (!is_moderate(dim)) return false;
    const auto length = std::max<std::int64_t>(1, static_cast<std::int64_t>(dim.terms().size()));
    const std::int64_t factor = std::max<std::int64_t>(1, largest_coefficient(dim));
    const bool overflows = __builtin_mul_overflow(terms, length, &terms) ||
                           __builtin_mul_overflow(magnitude, factor, &magnitude);
    if (overflows || terms > static_cast<std::int64_t>(kMaxTerms * kMaxTerms)) return false;
  }
  std::int64_t largest = 0;
  return !__builtin_mul_overflow(magnitude, terms, &largest) && largest <= kMost;
}

}  // namespace xinfer::import
