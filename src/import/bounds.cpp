#include "import/bounds.h"

#include <algorithm>
#include <utility>

namespace xinfer::import {
namespace {

using ir::Dim;
using MaybeInt = std::optional<std::int64_t>;

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

Interval atom_bounds(const Dim::Atom& atom) {
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

Interval term_bounds(const Dim::Term& term) {
  Interval product{1, 1};
  for (const auto& atom : term.atoms) {
    const Interval factor = atom_bounds(*atom);
    if (term.atoms.size() > 1 && (!factor.low || *factor.low < 0)) return {};
    product = {checked_multiply(product.low, factor.low),
               checked_multiply(product.high, factor.high)};
  }
  if (term.coefficient < 0) std::swap(product.low, product.high);
  return {checked_multiply(product.low, term.coefficient),
          checked_multiply(product.high, term.coefficient)};
}

}  // namespace

Interval bounds(const Dim& dim) {
  Interval sum{0, 0};
  for (const Dim::Term& term : dim.terms()) {
    const Interval next = term_bounds(term);
    sum = {checked_add(sum.low, next.low), checked_add(sum.high, next.high)};
  }
  return sum;
}

std::optional<std::int64_t> lower_bound(const Dim& dim) { return bounds(dim).low; }

}  // namespace xinfer::import
