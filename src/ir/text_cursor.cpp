#include "ir/text_cursor.h"

#include <algorithm>

#include "ir/quoting.h"

namespace xinfer::ir {

void TextCursor::skip_blanks() {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == '#') {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else if (c == ' ' || c == '\n' || c == '\t' || c == '\r') {
      ++at_;
    } else {
      return;
    }
  }
}

bool TextCursor::at_end() {
  skip_blanks();
  return at_ == text_.size();
}

char TextCursor::peek() {
  skip_blanks();
  return at_ < text_.size() ? text_[at_] : '\0';
}

bool TextCursor::take(char c) {
  if (at_end() || text_[at_] != c) return false;
  ++at_;
  return true;
}

Status TextCursor::expect(char c) {
  if (take(c)) return {};
  return unexpected(fmt::format("'{}'", c));
}

std::string_view TextCursor::word() {
  skip_blanks();
  const std::size_t start = at_;
  while (at_ < text_.size() && is_word_character(text_[at_])) ++at_;
  return text_.substr(start, at_ - start);
}

bool TextCursor::take_word(std::string_view wanted) {
  skip_blanks();
  const std::size_t start = at_;
  if (word() == wanted) return true;
  at_ = start;
  return false;
}

Status TextCursor::expect_word(std::string_view wanted) {
  if (take_word(wanted)) return {};
  return unexpected(fmt::format("\"{}\"", wanted));
}

Result<std::string> TextCursor::quoted_text() {
  if (peek() != '"') return unexpected("a quoted name");
  Result<std::string> text = read_quoted(text_, at_);
  if (!text.ok()) return error(text.status().message());
  return text;
}

Result<std::string> TextCursor::value_name() {
  XINFER_RETURN_IF_ERROR(expect('%'));
  if (at_ < text_.size() && text_[at_] == '"') return quoted_text();
  const std::size_t start = at_;
  while (at_ < text_.size() && is_bare_name_character(text_[at_])) ++at_;
  if (at_ == start) return unexpected("a value's name");
  return std::string(text_.substr(start, at_ - start));
}

std::string_view TextCursor::list_item() {
  skip_blanks();
  const std::size_t start = at_;
  int depth = 0;
  bool in_quotes = false;
  for (; at_ < text_.size(); ++at_) {
    const char c = text_[at_];
    if (in_quotes) {
      if (c == '\\') ++at_;
      in_quotes = c != '"';
      continue;
    }
    if (depth == 0 && (c == ',' || c == ']')) break;
    in_quotes = c == '"';
    depth += (c == '(') - (c == ')');
  }
  at_ = std::min(at_, text_.size());
  return text_.substr(start, at_ - start);
}

std::string_view TextCursor::raw(std::size_t count) {
  const std::string_view part = text_.substr(at_, count);
  at_ += part.size();
  return part;
}

Status TextCursor::error(const std::string& message) const {
  const auto line =
      1 + std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(at_), '\n');
  return invalid_argument("line {}: {}", line, message);
}

Status TextCursor::unexpected(std::string_view what) {
  if (at_end()) return error(fmt::format("expected {}, but the text ends", what));
  std::string_view found = text_.substr(at_, 20);
  found = found.substr(0, found.find('\n'));
  return error(fmt::format("expected {}, found {}", what, quoted(found)));
}

}  // namespace xinfer::ir
