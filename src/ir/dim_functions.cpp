// floordiv, min and max of Dim, brought into canonical form.
#include <algorithm>
#include <numeric>
#include <optional>

#include "ir/dim.h"
#include "ir/dim_internal.h"

namespace xinfer::ir {
namespace {

using Term = Dim::Term;
using Atom = Dim::Atom;

Dim make_function(Atom::Kind kind, const Dim& a, const Dim& b) {
  auto atom = std::make_shared<Atom>();
  atom->kind = kind;
  atom->a = a;
  atom->b = b;
  atom->text = std::string(function_name(kind)) + "(" + a.to_string() + ", " + b.to_string() + ")";
  return make_atom(std::move(atom));
}

Dim as_dim(const Term& term) {
  Dim product(term.coefficient);
  for (const auto& atom : term.atoms) product = product * make_atom(atom);
  return product;
}

Dim scaled(const Term& term, std::int64_t coefficient) { return as_dim({coefficient, term.atoms}); }

/// The largest number that divides every coefficient (the constant's too if `with_constant`) and
/// `start`; at least 1. gcd is defined for magnitudes only, so INT64_MIN gives 1.
std::int64_t common_factor(const Dim& dim, std::int64_t start, bool with_constant) {
  std::int64_t factor = start;
  for (const Term& term : dim.terms()) {
    if (term.coefficient == INT64_MIN || factor == INT64_MIN) return 1;
    if (with_constant || !term.atoms.empty()) factor = std::gcd(factor, term.coefficient);
  }
  return std::max<std::int64_t>(factor, 1);
}

/// floor(floor(a / m) / n) = floor(a / (m n)) for positive m and n, and the integers beside the
/// inner division move into it: floor((floor(a / m) + r) / n) = floor((a + m r) / (m n)).
/// Nothing unless exactly one term of `dividend` is such a division with the coefficient 1.
std::optional<Dim> merge_nested(const Dim& dividend, std::int64_t divisor) {
  const Atom* inner = nullptr;
  for (const Term& term : dividend.terms()) {
    if (term.atoms.size() != 1 || term.coefficient != 1) continue;
    const Atom& atom = *term.atoms[0];
    if (atom.kind != Atom::Kind::kFloorDiv || !atom.b.is_constant()) continue;
    if (inner != nullptr || atom.b.constant() <= 0) return std::nullopt;
    inner = &atom;
  }
  std::int64_t product = 0;
  if (inner == nullptr || __builtin_mul_overflow(inner->b.constant(), divisor, &product)) {
    return std::nullopt;
  }
  const Dim rest = dividend - make_function(Atom::Kind::kFloorDiv, inner->a, inner->b);
  return floordiv(inner->a + inner->b * rest, product);
}

/// `divisor` >= 2.
Dim divide_by_constant(const Dim& a, std::int64_t divisor) {
  // Whole multiples of the divisor leave the division; coefficients in [0, divisor) stay inside.
  Dim outside, inside;
  for (const Term& term : a.terms()) {
    const std::int64_t quotient = floor_divide(term.coefficient, divisor);
    outside = outside + scaled(term, quotient);
    inside = inside + scaled(term, term.coefficient - quotient * divisor);
  }
  if (inside.is_constant()) return outside + Dim(floor_divide(inside.constant(), divisor));
  // floor((g y + c) / (g d)) = floor((y + floor(c / g)) / d)
  if (const std::int64_t factor = common_factor(inside, divisor, false); factor > 1) {
    Dim reduced;
    for (const Term& term : inside.terms()) {
      reduced = reduced + scaled(term, floor_divide(term.coefficient, factor));
    }
    inside = reduced;
    divisor /= factor;
  }
  if (const std::optional<Dim> merged = merge_nested(inside, divisor)) return outside + *merged;
  return outside + make_function(Atom::Kind::kFloorDiv, inside, divisor);
}

/// a / b if b's atoms are among a's and its coefficient divides a's.
std::optional<Term> divide_term(const Term& a, const Term& b) {
  if (b.coefficient == 0 || b.coefficient == -1 || a.coefficient % b.coefficient != 0) {
    return std::nullopt;
  }
  Term quotient{a.coefficient / b.coefficient, a.atoms};
  for (const auto& atom : b.atoms) {
    const auto it = std::find_if(quotient.atoms.begin(), quotient.atoms.end(),
                                 [&](const auto& own) { return own->text == atom->text; });
    if (it == quotient.atoms.end()) return std::nullopt;
    quotient.atoms.erase(it);
  }
  return quotient;
}

/// The term q with a = q b, if there is one.
std::optional<Dim> exact_quotient(const Dim& a, const Dim& b) {
  if (a.terms().size() != b.terms().size()) return std::nullopt;
  for (const Term& term : a.terms()) {
    const std::optional<Term> candidate = divide_term(term, b.terms()[0]);
    if (candidate && as_dim(*candidate) * b == a) return as_dim(*candidate);
  }
  return std::nullopt;
}

/// Atoms that every term of `a` shares with the single term of `b`, and a common coefficient.
Term common_term(const Dim& a, const Dim& b) {
  Term common{common_factor(a, b.terms()[0].coefficient, true), {}};
  std::vector<Term> left = a.terms();
  for (const auto& atom : b.terms()[0].atoms) {
    const Term single{1, {atom}};
    std::vector<Term> divided;
    for (const Term& term : left) {
      if (const std::optional<Term> quotient = divide_term(term, single)) {
        divided.push_back(*quotient);
      }
    }
    if (divided.size() != left.size()) continue;
    left = std::move(divided);
    common.atoms.push_back(atom);
  }
  return common;
}

Dim divide_all(const Dim& a, const Term& divisor) {
  Dim sum;
  for (const Term& term : a.terms()) sum = sum + as_dim(*divide_term(term, divisor));
  return sum;
}

/// Division by a single term with symbols, which are taken to be other than 0: terms that it
/// divides leave the division, common factors of the rest cancel.
Dim divide_by_term(const Dim& a, const Dim& b) {
  Dim outside, inside;
  for (const Term& term : a.terms()) {
    const std::optional<Term> quotient = divide_term(term, b.terms()[0]);
    (quotient ? outside : inside) = quotient ? outside + as_dim(*quotient) : inside + as_dim(term);
  }
  if (inside == Dim(0)) return outside;
  const Term common = common_term(inside, b);
  const Dim divisor = divide_all(b, common);
  inside = divide_all(inside, common);
  if (divisor.is_constant()) return outside + floordiv(inside, divisor);
  return outside + make_function(Atom::Kind::kFloorDiv, inside, divisor);
}

/// min or max: decided where the difference is a constant, else with its operands
/// in the order of their text.
Dim extremum(Atom::Kind kind, const Dim& a, const Dim& b) {
  const Dim difference = a - b;
  if (difference.is_constant()) {
    const bool a_is_larger =
        a.is_constant() ? a.constant() >= b.constant() : difference.constant() >= 0;
    return a_is_larger == (kind == Atom::Kind::kMax) ? a : b;
  }
  const bool in_order = a.to_string() < b.to_string();
  return in_order ? make_function(kind, a, b) : make_function(kind, b, a);
}

}  // namespace

const char* function_name(Atom::Kind kind) {
  switch (kind) {
    case Atom::Kind::kFloorDiv:
      return "floordiv";
    case Atom::Kind::kMin:
      return "min";
    case Atom::Kind::kMax:
      return "max";
    case Atom::Kind::kSymbol:
      break;
  }
  return "";
}

Dim apply(Atom::Kind kind, const Dim& a, const Dim& b) {
  return kind == Atom::Kind::kFloorDiv ? floordiv(a, b) : extremum(kind, a, b);
}

Dim floordiv(const Dim& a, const Dim& b) {
  if (b == Dim(0)) return make_function(Atom::Kind::kFloorDiv, a, b);  // evaluate refuses it
  if (a == Dim(0)) return a;
  if (b.is_constant()) {
    const std::int64_t divisor = b.constant();
    if (a.is_constant()) return floor_divide(a.constant(), divisor);
    if (divisor == 1) return a;
    if (divisor > 1) return divide_by_constant(a, divisor);
    if (divisor == INT64_MIN) return make_function(Atom::Kind::kFloorDiv, a, b);
    return floordiv(Dim(-1) * a, -divisor);
  }
  if (const std::optional<Dim> quotient = exact_quotient(a, b)) return *quotient;
  if (b.terms().size() == 1) return divide_by_term(a, b);
  return make_function(Atom::Kind::kFloorDiv, a, b);
}

Dim ceildiv(const Dim& a, const Dim& b) {
  // Adding to the dividend keeps the canonical form of floor divisions by the same number.
  if (b.is_constant() && b.constant() > 0) return floordiv(a + Dim(b.constant() - 1), b);
  return Dim(-1) * floordiv(Dim(-1) * a, b);
}

Dim min(const Dim& a, const Dim& b) { return extremum(Atom::Kind::kMin, a, b); }

Dim max(const Dim& a, const Dim& b) { return extremum(Atom::Kind::kMax, a, b); }

}  // namespace xinfer::ir
