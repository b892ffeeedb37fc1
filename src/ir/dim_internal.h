// What the files of Dim share: its functions by kind, and arithmetic that cannot trap.
#pragma once

#include <cstdint>

#include "ir/dim.h"

namespace xinfer::ir {

/// "floordiv", "min", "max"; "" for a symbol.
const char* function_name(Dim::Atom::Kind kind);

/// The canonical form of kind(a, b); `kind` is no symbol.
Dim apply(Dim::Atom::Kind kind, const Dim& a, const Dim& b);

/// The text of a product's atoms: "batch*height"; "" for the constant term.
std::string monomial_text(const Dim::Term& term);

// Coefficients wrap around at 64 bits, so that no model can cause undefined behaviour; the ring
// laws that the canonical form needs hold all the same. `evaluate` reports overflow.
inline std::int64_t wrapping_add(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}
inline std::int64_t wrapping_multiply(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
}
/// Rounds towards minus infinity; b is not 0.
inline std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
  if (b == -1) return wrapping_multiply(a, -1);  // INT64_MIN / -1 traps
  const std::int64_t quotient = a / b;
  return (a % b != 0 && (a < 0) != (b < 0)) ? quotient - 1 : quotient;
}

}  // namespace xinfer::ir
