// Dim: canonical sums of products, and what can be asked of them.
#include "ir/dim.h"

#include <algorithm>
#include <set>

#include "ir/dim_internal.h"
#include "ir/quoting.h"

namespace xinfer::ir {
namespace {

using Term = Dim::Term;
using Atom = Dim::Atom;

bool is_identifier(const std::string& name) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  for (Atom::Kind kind : {Atom::Kind::kFloorDiv, Atom::Kind::kMin, Atom::Kind::kMax}) {
    if (name == function_name(kind)) return false;
  }
  return std::all_of(name.begin(), name.end(), is_word_character);
}

bool same_atoms(const Term& a, const Term& b) {
  return std::equal(a.atoms.begin(), a.atoms.end(), b.atoms.begin(), b.atoms.end(),
                    [](const auto& x, const auto& y) { return x == y || x->text == y->text; });
}

}  // namespace

Dim make_atom(std::shared_ptr<const Dim::Atom> atom) {
  Dim dim;
  dim.terms_.push_back({1, {std::move(atom)}});
  return dim;
}

std::string monomial_text(const Dim::Term& term) {
  std::string text;
  for (const auto& atom : term.atoms) {
    if (!text.empty()) text += '*';
    text += atom->text;
  }
  return text;
}

Dim::Dim(std::int64_t value) {
  if (value != 0) terms_.push_back({value, {}});
}

Dim Dim::symbol(std::string name) {
  auto atom = std::make_shared<Atom>();
  atom->kind = Atom::Kind::kSymbol;
  atom->text = is_identifier(name) ? name : quoted(name);
  atom->name = std::move(name);
  return make_atom(std::move(atom));
}

Dim Dim::from_terms(std::vector<Term> terms) {
  std::map<std::string, Term> by_text;  // "" (the constant) is moved to the end below
  for (Term& term : terms) {
    std::sort(term.atoms.begin(), term.atoms.end(),
              [](const auto& x, const auto& y) { return x->text < y->text; });
    const std::string text = monomial_text(term);
    const auto [it, inserted] = by_text.try_emplace(text, std::move(term));
    if (!inserted) {
      it->second.coefficient = wrapping_add(it->second.coefficient, term.coefficient);
    }
  }
  Dim dim;
  for (auto& [text, term] : by_text) {
    if (term.coefficient != 0 && !text.empty()) dim.terms_.push_back(std::move(term));
  }
  if (const auto it = by_text.find(""); it != by_text.end() && it->second.coefficient != 0) {
    dim.terms_.push_back(it->second);
  }
  return dim;
}

bool Dim::is_constant() const {
  return terms_.empty() || (terms_.size() == 1 && terms_[0].atoms.empty());
}

std::int64_t Dim::constant() const { return terms_.empty() ? 0 : terms_[0].coefficient; }

std::string Dim::symbol_name() const {
  const bool bare = terms_.size() == 1 && terms_[0].coefficient == 1 &&
                    terms_[0].atoms.size() == 1 && terms_[0].atoms[0]->kind == Atom::Kind::kSymbol;
  return bare ? terms_[0].atoms[0]->name : "";
}

std::vector<std::string> Dim::symbols() const {
  std::set<std::string> found;
  for (const Term& term : terms_) {
    for (const auto& atom : term.atoms) {
      if (atom->kind == Atom::Kind::kSymbol) {
        found.insert(atom->name);
        continue;
      }
      for (const Dim* operand : {&atom->a, &atom->b}) {
        for (std::string& name : operand->symbols()) found.insert(std::move(name));
      }
    }
  }
  return {found.begin(), found.end()};
}

Dim operator+(const Dim& a, const Dim& b) {
  if (a.is_constant() && b.is_constant()) return wrapping_add(a.constant(), b.constant());
  std::vector<Term> terms = a.terms_;
  terms.insert(terms.end(), b.terms_.begin(), b.terms_.end());
  return Dim::from_terms(std::move(terms));
}

Dim operator-(const Dim& a, const Dim& b) { return a + Dim(-1) * b; }

Dim operator*(const Dim& a, const Dim& b) {
  if (a.is_constant() && b.is_constant()) return wrapping_multiply(a.constant(), b.constant());
  if (a == Dim(1)) return b;
  if (b == Dim(1)) return a;
  std::vector<Term> terms;
  for (const Term& x : a.terms_) {
    for (const Term& y : b.terms_) {
      Term product{wrapping_multiply(x.coefficient, y.coefficient), x.atoms};
      product.atoms.insert(product.atoms.end(), y.atoms.begin(), y.atoms.end());
      terms.push_back(std::move(product));
    }
  }
  return Dim::from_terms(std::move(terms));
}

bool operator==(const Dim& a, const Dim& b) {
  return std::equal(a.terms_.begin(), a.terms_.end(), b.terms_.begin(), b.terms_.end(),
                    [](const Term& x, const Term& y) {
                      return x.coefficient == y.coefficient && same_atoms(x, y);
                    });
}

static Result<std::int64_t> evaluate_atom(const Atom& atom, const Bindings& bindings) {
  if (atom.kind == Atom::Kind::kSymbol) {
    const auto it = bindings.find(atom.name);
    if (it != bindings.end()) return it->second;
    return invalid_argument("dimension \"{}\" has no value", atom.name);
  }
  XINFER_ASSIGN_OR_RETURN(const std::int64_t a, atom.a.evaluate(bindings));
  XINFER_ASSIGN_OR_RETURN(const std::int64_t b, atom.b.evaluate(bindings));
  if (atom.kind == Atom::Kind::kMin) return std::min(a, b);
  if (atom.kind == Atom::Kind::kMax) return std::max(a, b);
  if (b != 0) return floor_divide(a, b);
  return invalid_argument("dimension {} divides by zero", atom.text);
}

Result<std::int64_t> Dim::evaluate(const Bindings& bindings) const {
  std::int64_t sum = 0;
  for (const Term& term : terms_) {
    std::int64_t product = term.coefficient;
    bool overflow = false;
    for (const auto& atom : term.atoms) {
      XINFER_ASSIGN_OR_RETURN(const std::int64_t factor, evaluate_atom(*atom, bindings));
      overflow = __builtin_mul_overflow(product, factor, &product) || overflow;
    }
    if (__builtin_add_overflow(sum, product, &sum) || overflow) {
      return invalid_argument("dimension {} exceeds 64 bits", to_string());
    }
  }
  return sum;
}

Dim Dim::substitute(const std::map<std::string, Dim>& replacements) const {
  if (is_constant()) return *this;
  Dim sum;
  for (const Term& term : terms_) {
    Dim product(term.coefficient);
    for (const auto& atom : term.atoms) {
      if (atom->kind == Atom::Kind::kSymbol) {
        const auto it = replacements.find(atom->name);
        product = product * (it == replacements.end() ? make_atom(atom) : it->second);
      } else {
        product = product * apply(atom->kind, atom->a.substitute(replacements),
                                  atom->b.substitute(replacements));
      }
    }
    sum = sum + product;
  }
  return sum;
}

std::string Dim::to_string() const {
  if (terms_.empty()) return "0";
  std::string text;
  for (const Term& term : terms_) {
    const std::string monomial = monomial_text(term);
    const bool negative = term.coefficient < 0;
    const auto bits = static_cast<std::uint64_t>(term.coefficient);
    const std::uint64_t magnitude = negative ? 0 - bits : bits;
    if (text.empty()) {
      text += negative ? "-" : "";
    } else {
      text += negative ? " - " : " + ";
    }
    if (monomial.empty()) {
      text += std::to_string(magnitude);
    } else {
      text += (magnitude == 1 ? "" : std::to_string(magnitude) + "*") + monomial;
    }
  }
  return text;
}

std::string to_string(const SymbolicShape& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    text += (i == 0 ? "" : ", ") + shape[i].to_string();
  }
  return text + "]";
}

Dim element_count(const SymbolicShape& shape) {
  Dim count(1);
  for (const Dim& dim : shape) count = count * dim;
  return count;
}

}  // namespace xinfer::ir
