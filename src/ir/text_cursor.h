// A position in the text form of a graph: skips blanks and comments, knows its line.
#pragma once

#include <charconv>
#include <string>
#include <string_view>

#include "core/status.h"

namespace xinfer::ir {

class TextCursor {
 public:
  explicit TextCursor(std::string_view text) : text_(text) {}

  bool at_end();
  /// The next character that is neither blank nor comment; '\0' at the end.
  char peek();
  bool take(char c);
  Status expect(char c);
  /// A run of word characters (letters, digits, '_', '.'); empty if there is none.
  std::string_view word();
  /// The word if it comes next; else nothing moves.
  bool take_word(std::string_view wanted);
  Status expect_word(std::string_view wanted);
  /// "quoted", with escapes.
  Result<std::string> quoted_text();
  /// What follows '%': a bare or quoted name.
  Result<std::string> value_name();
  /// The text up to the next ',' or ']' that is outside quotes and parentheses.
  std::string_view list_item();
  /// An integer or float in from_chars' form; fails if it does not fit T.
  template <typename T>
  Result<T> number();

  std::size_t remaining() const { return text_.size() - at_; }
  /// Exactly `count` characters, or fewer at the end of the text.
  std::string_view raw(std::size_t count);

  /// "line 3: <message>"
  Status error(const std::string& message) const;
  /// "line 3: expected <what>, found "…""
  Status unexpected(std::string_view what);

 private:
  void skip_blanks();

  std::string_view text_;
  std::size_t at_ = 0;
};

template <typename T>
Result<T> TextCursor::number() {
  skip_blanks();
  T value{};
  const char* first = text_.data() + at_;
  const auto [end, failure] = std::from_chars(first, text_.data() + text_.size(), value);
  if (failure == std::errc::result_out_of_range) return unexpected("a number that fits its type");
  if (failure != std::errc()) return unexpected("a number");
  at_ += static_cast<std::size_t>(end - first);
  return value;
}

}  // namespace xinfer::ir
