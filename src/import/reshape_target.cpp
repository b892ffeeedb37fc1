#include "import/reshape_target.h"

#include <algorithm>
#include <optional>

#include "import/expression.h"

namespace xinfer::import {
namespace {

using ir::Dim;
using ir::SymbolicShape;

/// The term divided by another, if that leaves a whole coefficient and a product of atoms.
std::optional<Dim> divide_term(const Dim::Term& term, const Dim::Term& by) {
  if (by.coefficient == 0 || term.coefficient % by.coefficient != 0) return {};
  Dim result(term.coefficient / by.coefficient);
  std::vector<std::shared_ptr<const Dim::Atom>> left = term.atoms;
  for (const auto& atom : by.atoms) {
    const auto it = std::find_if(left.begin(), left.end(),
                                 [&](const auto& other) { return other->text == atom->text; });
    if (it == left.end()) return {};
    left.erase(it);
  }
  for (const auto& atom : left) result = result * make_atom(atom);
  return result;
}

/// a / b where b is a single product that divides every term of a.
std::optional<Dim> divide_by_product(const Dim& a, const Dim& b) {
  if (b.terms().size() != 1) return {};
  Dim sum;
  for (const Dim::Term& term : a.terms()) {
    const auto part = divide_term(term, b.terms()[0]);
    if (!part) return {};
    sum = sum + *part;
  }
  return sum;
}

}  // namespace

std::optional<Dim> quotient(const SymbolicShape& shape, const SymbolicShape& divisors) {
  SymbolicShape left = shape;
  SymbolicShape by;
  for (const Dim& divisor : divisors) {
    const auto it = std::find(left.begin(), left.end(), divisor);
    if (it != left.end() && divisor != Dim(0)) {
      left.erase(it);
    } else {
      by.push_back(divisor);
    }
  }
  const Dim numerator = ir::element_count(left);
  const Dim denominator = ir::element_count(by);
  if (denominator == Dim(0)) return {};
  if (auto exact = divide_by_product(numerator, denominator)) return exact;
  if (numerator.is_constant() && denominator.is_constant()) return {};
  return ir::floordiv(numerator, denominator);
}

Result<SymbolicShape> resolve_reshape(const SymbolicShape& shape, SymbolicShape target,
                                      bool allow_zero) {
  if (!is_moderate(target)) {
    return invalid_model("shape {} is too large", ir::to_string(target));
  }
  std::optional<std::size_t> open;
  for (std::size_t i = 0; i < target.size(); ++i) {
    if (target[i] == Dim(-1)) {
      if (open) return invalid_model("shape {} has two entries of -1", ir::to_string(target));
      open = i;
    } else if (target[i] == Dim(0) && !allow_zero) {
      if (i >= shape.size()) {
        return invalid_model("shape {} copies dimension {} of {}", ir::to_string(target), i,
                             ir::to_string(shape));
      }
      target[i] = shape[i];
    } else if (target[i].is_constant() && target[i].constant() < 0) {
      return invalid_model("shape {} has a negative entry", ir::to_string(target));
    }
  }
  if (!open) return target;
  SymbolicShape others = target;
  others.erase(others.begin() + static_cast<std::ptrdiff_t>(*open));
  const auto rest = quotient(shape, others);
  if (!rest) {
    return invalid_model("{} does not fill shape {}", ir::to_string(shape), ir::to_string(target));
  }
  target[*open] = *rest;
  return target;
}

}  // namespace xinfer::import
