#include "ir/dim.h"

#include <algorithm>
#include <cctype>
#include <set>

namespace xinfer::ir {
namespace {

using Term = Dim::Term;
using Atom = Dim::Atom;

std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
  const std::int64_t quotient = a / b;
  return (a % b != 0 && (a < 0) != (b < 0)) ? quotient - 1 : quotient;
}

std::string monomial_text(const Term& term) {
  std::string text;
  for (const auto& atom : term.atoms) text += (text.empty() ? "" : "*") + atom->text;
  return text;
}

bool is_identifier(const std::string& name) {
  if (name.empty() || std::isdigit(static_cast<unsigned char>(name[0]))) return false;
  if (name == "floordiv" || name == "min" || name == "max") return false;
  return std::all_of(name.begin(), name.end(),
                     [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '.'; });
}

std::string symbol_text(const std::string& name) {
  if (is_identifier(name)) return name;
  std::string quoted = "\"";
  for (char c : name) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

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
  switch (kind) {
    case Atom::Kind::kFloorDiv:
      return floordiv(a, b);
    case Atom::Kind::kMin:
      return min(a, b);
    case Atom::Kind::kMax:
      return max(a, b);
    case Atom::Kind::kSymbol:
      break;
  }
  return a;
}

}  // namespace

Dim make_atom(std::shared_ptr<const Dim::Atom> atom) {
  return Dim::from_terms({Term{1, {std::move(atom)}}});
}

namespace {

Dim make_function(Atom::Kind kind, const Dim& a, const Dim& b) {
  auto atom = std::make_shared<Atom>();
  atom->kind = kind;
  atom->a = a;
  atom->b = b;
  atom->text = std::string(function_name(kind)) + "(" + a.to_string() + ", " + b.to_string() + ")";
  return make_atom(std::move(atom));
}

}  // namespace

Dim::Dim(std::int64_t value) {
  if (value != 0) terms_.push_back({value, {}});
}

Dim Dim::symbol(std::string name) {
  auto atom = std::make_shared<Atom>();
  atom->kind = Atom::Kind::kSymbol;
  atom->text = symbol_text(name);
  atom->name = std::move(name);
  return make_atom(std::move(atom));
}

Dim Dim::from_terms(std::vector<Term> terms) {
  std::map<std::string, Term> by_text;  // "" (the constant) is moved to the end below
  for (Term& term : terms) {
    std::sort(term.atoms.begin(), term.atoms.end(),
              [](const auto& x, const auto& y) { return x->text < y->text; });
    const auto [it, inserted] = by_text.try_emplace(monomial_text(term), term);
    if (!inserted) it->second.coefficient += term.coefficient;
  }
  Dim dim;
  for (auto& [text, term] : by_text) {
    if (term.coefficient != 0 && !text.empty()) dim.terms_.push_back(std::move(term));
  }
  if (auto it = by_text.find(""); it != by_text.end() && it->second.coefficient != 0) {
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
  std::vector<Term> terms = a.terms_;
  terms.insert(terms.end(), b.terms_.begin(), b.terms_.end());
  return Dim::from_terms(std::move(terms));
}

Dim operator-(const Dim& a, const Dim& b) { return a + Dim(-1) * b; }

Dim operator*(const Dim& a, const Dim& b) {
  std::vector<Term> terms;
  for (const Term& x : a.terms_) {
    for (const Term& y : b.terms_) {
      Term product{x.coefficient * y.coefficient, x.atoms};
      product.atoms.insert(product.atoms.end(), y.atoms.begin(), y.atoms.end());
      terms.push_back(std::move(product));
    }
  }
  return Dim::from_terms(std::move(terms));
}

bool operator==(const Dim& a, const Dim& b) {
  if (a.terms_.size() != b.terms_.size()) return false;
  for (std::size_t i = 0; i < a.terms_.size(); ++i) {
    if (a.terms_[i].coefficient != b.terms_[i].coefficient) return false;
    if (monomial_text(a.terms_[i]) != monomial_text(b.terms_[i])) return false;
  }
  return true;
}

Dim floordiv(const Dim& a, const Dim& b) {
  if (!b.is_constant() || b.constant() == 0) {
    return a == b ? Dim(1) : make_function(Atom::Kind::kFloorDiv, a, b);
  }
  const std::int64_t divisor = b.constant();
  if (divisor == 1) return a;
  if (a.is_constant()) return floor_divide(a.constant(), divisor);
  // Whole multiples of the divisor leave the division; the rest stays inside.
  Dim outside, inside;
  for (const Term& term : a.terms()) {
    Dim product(1);
    for (const auto& atom : term.atoms) product = product * make_atom(atom);
    const std::int64_t quotient = floor_divide(term.coefficient, divisor);
    const std::int64_t rest = term.coefficient - quotient * divisor;
    outside = outside + Dim(quotient) * product;
    inside = inside + Dim(rest) * product;
  }
  if (inside.is_constant()) return outside + Dim(floor_divide(inside.constant(), divisor));
  const bool nested = divisor > 0 && inside.terms().size() == 1 &&
                      inside.terms()[0].coefficient == 1 && inside.terms()[0].atoms.size() == 1;
  if (nested) {
    const Atom& atom = *inside.terms()[0].atoms[0];
    if (atom.kind == Atom::Kind::kFloorDiv && atom.b.is_constant() && atom.b.constant() > 0) {
      return outside + floordiv(atom.a, atom.b * b);
    }
  }
  return outside + make_function(Atom::Kind::kFloorDiv, inside, b);
}

Dim ceildiv(const Dim& a, const Dim& b) { return Dim(-1) * floordiv(Dim(-1) * a, b); }

Dim min(const Dim& a, const Dim& b) {
  const Dim difference = a - b;
  if (difference.is_constant()) return difference.constant() <= 0 ? a : b;
  return a.to_string() < b.to_string() ? make_function(Atom::Kind::kMin, a, b)
                                       : make_function(Atom::Kind::kMin, b, a);
}

Dim max(const Dim& a, const Dim& b) {
  const Dim difference = a - b;
  if (difference.is_constant()) return difference.constant() >= 0 ? a : b;
  return a.to_string() < b.to_string() ? make_function(Atom::Kind::kMax, a, b)
                                       : make_function(Atom::Kind::kMax, b, a);
}

Result<std::int64_t> Dim::evaluate(const Bindings& bindings) const {
  std::int64_t sum = 0;
  for (const Term& term : terms_) {
    std::int64_t product = term.coefficient;
    for (const auto& atom : term.atoms) {
      if (atom->kind == Atom::Kind::kSymbol) {
        const auto it = bindings.find(atom->name);
        if (it == bindings.end()) {
          return invalid_argument("dimension \"{}\" has no value", atom->name);
        }
        product *= it->second;
        continue;
      }
      XINFER_ASSIGN_OR_RETURN(const std::int64_t a, atom->a.evaluate(bindings));
      XINFER_ASSIGN_OR_RETURN(const std::int64_t b, atom->b.evaluate(bindings));
      if (atom->kind == Atom::Kind::kFloorDiv && b == 0) {
        return invalid_argument("dimension {} divides by zero", atom->text);
      }
      product *= atom->kind == Atom::Kind::kFloorDiv ? floor_divide(a, b)
                 : atom->kind == Atom::Kind::kMin    ? std::min(a, b)
                                                     : std::max(a, b);
    }
    sum += product;
  }
  return sum;
}

Dim Dim::substitute(const std::map<std::string, Dim>& replacements) const {
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
    const std::int64_t magnitude = term.coefficient < 0 ? -term.coefficient : term.coefficient;
    if (text.empty()) {
      text += term.coefficient < 0 ? "-" : "";
    } else {
      text += term.coefficient < 0 ? " - " : " + ";
    }
    if (monomial.empty()) {
      text += std::to_string(magnitude);
    } else {
      text += (magnitude == 1 ? "" : std::to_string(magnitude) + "*") + monomial;
    }
  }
  return text;
}

namespace {

/// Recursive descent over sum = product (('+' | '-') product)*; product = factor ('*' factor)*.
class DimParser {
 public:
  explicit DimParser(std::string_view text) : text_(text) {}

  Result<Dim> parse() {
    XINFER_ASSIGN_OR_RETURN(Dim dim, sum());
    skip_spaces();
    if (at_ != text_.size()) return unexpected();
    return dim;
  }

 private:
  Status unexpected() const {
    return invalid_argument("dimension \"{}\": unexpected text at position {}", text_, at_);
  }
  void skip_spaces() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  bool take(char c) {
    skip_spaces();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  Result<Dim> sum() {
    if (++depth_ > kMaxDepth) return invalid_argument("dimension is nested too deeply");
    const bool negative = take('-');
    XINFER_ASSIGN_OR_RETURN(Dim total, product());
    if (negative) total = Dim(-1) * total;
    for (;;) {
      const bool minus = take('-');
      if (!minus && !take('+')) break;
      XINFER_ASSIGN_OR_RETURN(const Dim next, product());
      total = minus ? total - next : total + next;
    }
    --depth_;
    return total;
  }

  Result<Dim> product() {
    XINFER_ASSIGN_OR_RETURN(Dim total, factor());
    while (take('*')) {
      XINFER_ASSIGN_OR_RETURN(const Dim next, factor());
      total = total * next;
    }
    return total;
  }

  Result<Dim> factor() {
    skip_spaces();
    if (at_ >= text_.size()) return unexpected();
    const char c = text_[at_];
    if (c == '"') return quoted_symbol();
    if (std::isdigit(static_cast<unsigned char>(c))) return number();
    const std::size_t start = at_;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) ||
                                  text_[at_] == '_' || text_[at_] == '.')) {
      ++at_;
    }
    if (at_ == start) return unexpected();
    const std::string name(text_.substr(start, at_ - start));
    for (Atom::Kind kind : {Atom::Kind::kFloorDiv, Atom::Kind::kMin, Atom::Kind::kMax}) {
      if (name == function_name(kind)) return function(kind);
    }
    return Dim::symbol(name);
  }

  Result<Dim> number() {
    std::int64_t value = 0;
    while (at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_]))) {
      const int digit = text_[at_++] - '0';
      if (value > (INT64_MAX - digit) / 10) return unexpected();
      value = value * 10 + digit;
    }
    return Dim(value);
  }

  Result<Dim> quoted_symbol() {
    std::string name;
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      name += text_[at_];
    }
    if (at_ >= text_.size()) return unexpected();
    ++at_;
    return Dim::symbol(name);
  }

  Result<Dim> function(Atom::Kind kind) {
    if (!take('(')) return unexpected();
    XINFER_ASSIGN_OR_RETURN(const Dim a, sum());
    if (!take(',')) return unexpected();
    XINFER_ASSIGN_OR_RETURN(const Dim b, sum());
    if (!take(')')) return unexpected();
    return apply(kind, a, b);
  }

  static constexpr int kMaxDepth = 64;
  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

Result<Dim> parse_dim(std::string_view text) { return DimParser(text).parse(); }

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
