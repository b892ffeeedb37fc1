// Symbolic dimensions: integer expressions over named symbols, kept in one canonical form so that
// equal expressions compare equal.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/status.h"

namespace xinfer::ir {

/// Values of the symbols when shapes are bound: "batch_size" -> 8.
using Bindings = std::map<std::string, std::int64_t>;

/// An integer polynomial over atoms: symbols, and floordiv / min / max of other expressions.
/// Division rounds towards minus infinity. Immutable; copies are cheap.
class Dim {
 public:
  struct Atom;  ///< A symbol, or floordiv / min / max of two expressions.
  /// One product: coefficient times atoms (sorted by their text; empty for the constant term).
  struct Term {
    std::int64_t coefficient;
    std::vector<std::shared_ptr<const Atom>> atoms;
  };

  Dim() = default;          ///< 0
  Dim(std::int64_t value);  // NOLINT: implicit on purpose
  static Dim symbol(std::string name);

  bool is_constant() const;
  /// Only for a constant.
  std::int64_t constant() const;
  /// The symbol's name if the expression is one bare symbol, else "".
  std::string symbol_name() const;
  /// Every symbol that occurs.
  std::vector<std::string> symbols() const;

  /// Canonical terms, sorted by the text of their atoms, the constant term last.
  const std::vector<Term>& terms() const { return terms_; }

  friend Dim operator+(const Dim& a, const Dim& b);
  friend Dim operator-(const Dim& a, const Dim& b);
  friend Dim operator*(const Dim& a, const Dim& b);
  friend bool operator==(const Dim& a, const Dim& b);
  friend bool operator!=(const Dim& a, const Dim& b) { return !(a == b); }

  /// The value under `bindings`; fails if a symbol is unbound or a divisor is 0.
  Result<std::int64_t> evaluate(const Bindings& bindings) const;
  /// Symbols replaced by expressions; others stay.
  Dim substitute(const std::map<std::string, Dim>& replacements) const;

  /// "2*batch*floordiv(height, 8) + 1"; symbols that are no identifiers are quoted.
  std::string to_string() const;

 private:
  friend Dim make_atom(std::shared_ptr<const Atom> atom);
  static Dim from_terms(std::vector<Term> terms);
  std::vector<Term> terms_;
};

struct Dim::Atom {
  enum class Kind { kSymbol, kFloorDiv, kMin, kMax };
  Kind kind;
  std::string name;  ///< kSymbol
  Dim a, b;          ///< the others
  std::string text;  ///< canonical text, the sorting key
};

Dim floordiv(const Dim& a, const Dim& b);
/// Rounds towards plus infinity.
Dim ceildiv(const Dim& a, const Dim& b);
Dim min(const Dim& a, const Dim& b);
Dim max(const Dim& a, const Dim& b);

/// Reads what to_string prints.
Result<Dim> parse_dim(std::string_view text);

/// Dimensions of a value, outermost first, in ONNX order.
using SymbolicShape = std::vector<Dim>;

std::string to_string(const SymbolicShape& shape);
/// Product of the dimensions; 1 for a scalar.
Dim element_count(const SymbolicShape& shape);

}  // namespace xinfer::ir
