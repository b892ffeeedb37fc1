// The parser of dimension expressions.
#include "ir/dim.h"
#include "ir/dim_internal.h"
#include "ir/quoting.h"

namespace xinfer::ir {
namespace {

using Atom = Dim::Atom;

/// Recursive descent over
///   sum     = ['-'] product (('+' | '-') product)*
///   product = factor ('*' factor)*
///   factor  = number | symbol | function '(' sum ',' sum ')'
/// Limits keep hostile text from taking more than linear memory: products of sums multiply out.
class DimParser {
 public:
  explicit DimParser(std::string_view text) : text_(text) {}

  Result<Dim> parse() {
    if (text_.size() > kMaxText) return too_large();
    XINFER_ASSIGN_OR_RETURN(Dim dim, sum());
    skip_spaces();
    if (at_ != text_.size()) return unexpected();
    return dim;
  }

 private:
  Status unexpected() const {
    if (at_ >= text_.size()) return invalid_argument("dimension \"{}\" ends too early", text_);
    return invalid_argument("dimension \"{}\": unexpected '{}' at position {}", text_, text_[at_],
                            at_);
  }
  Status too_large() const {
    return invalid_argument("dimension of {} characters is too large", text_.size());
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
    if (++depth_ > kMaxDepth) {
      return invalid_argument("dimension is nested more than {} deep", kMaxDepth);
    }
    const bool negative = take('-');
    XINFER_ASSIGN_OR_RETURN(Dim total, product(negative));
    for (;;) {
      const bool minus = take('-');
      if (!minus && !take('+')) break;
      XINFER_ASSIGN_OR_RETURN(const Dim next, product(minus));
      total = total + next;
      if (total.terms().size() > kMaxTerms) return too_large();
    }
    --depth_;
    return total;
  }

  Result<Dim> product(bool negative) {
    Dim total(negative ? -1 : 1);
    do {
      XINFER_ASSIGN_OR_RETURN(const Dim next, factor(negative));
      if (expanded_size(total, next) > kMaxText) return too_large();
      total = total * next;
    } while (take('*'));
    return total;
  }

  /// Characters, about, of the product of two sums.
  static std::size_t expanded_size(const Dim& a, const Dim& b) {
    const auto size = [](const Dim& dim) {
      std::size_t characters = 0;
      for (const Dim::Term& term : dim.terms()) {
        for (const auto& atom : term.atoms) characters += atom->text.size() + 1;
      }
      return characters + dim.terms().size();
    };
    return size(a) * b.terms().size() + size(b) * a.terms().size();
  }

  Result<Dim> factor(bool negative) {
    skip_spaces();
    if (at_ >= text_.size()) return unexpected();
    const char c = text_[at_];
    if (c == '"') return quoted_symbol();
    if (c >= '0' && c <= '9') return number(negative);
    const std::size_t start = at_;
    while (at_ < text_.size() && is_word_character(text_[at_])) ++at_;
    if (at_ == start) return unexpected();
    const std::string name(text_.substr(start, at_ - start));
    for (Atom::Kind kind : {Atom::Kind::kFloorDiv, Atom::Kind::kMin, Atom::Kind::kMax}) {
      if (name == function_name(kind)) return function(kind);
    }
    return Dim::symbol(name);
  }

  /// 2^63 has a text only as the magnitude of a negative number.
  Result<Dim> number(bool negative) {
    const std::uint64_t largest = static_cast<std::uint64_t>(INT64_MAX) + (negative ? 1 : 0);
    std::uint64_t value = 0;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') {
      const auto digit = static_cast<std::uint64_t>(text_[at_++] - '0');
      if (value > (largest - digit) / 10) {
        return invalid_argument("dimension \"{}\": number exceeds 64 bits", text_);
      }
      value = value * 10 + digit;
    }
    return Dim(static_cast<std::int64_t>(value));
  }

  Result<Dim> quoted_symbol() {
    XINFER_ASSIGN_OR_RETURN(std::string name, read_quoted(text_, at_));
    return Dim::symbol(std::move(name));
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
  static constexpr std::size_t kMaxTerms = 256;
  static constexpr std::size_t kMaxText = std::size_t{1} << 14;
  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

Result<Dim> parse_dim(std::string_view text) { return DimParser(text).parse(); }

}  // namespace xinfer::ir
