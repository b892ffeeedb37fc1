#include "jit/canonical_source.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace xinfer::jit {
namespace {

// Tokens of several signs, longest first. All of them: of two texts that differ in the space
// between two signs, one may be a token.
constexpr std::array<std::string_view, 34> kLongSigns = {
    "<<=", ">>=", "<=>", "->*", "...", "<<<", ">>>", "<<", ">>", "<=", ">=", "==",
    "!=",  "&&",  "||",  "++",  "--",  "+=",  "-=",  "*=", "/=", "%=", "^=", "&=",
    "|=",  "->",  "::",  ".*",  "##",  "<:",  ":>",  "<%", "%>", "%:"};

bool is_word(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return std::isalnum(byte) != 0 || c == '_' || c == '$' || byte >= 0x80;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::string tokens() {
    result_.reserve(text_.size());
    for (skip_gap(); at_ < text_.size(); skip_gap()) {
      const bool first_of_line = result_.empty() || line_ended_;
      if (in_directive_ && line_ended_) end_directive();
      if (first_of_line && text_[at_] == '#') {
        if (!result_.empty() && result_.back() != '\n') result_ += '\n';
        in_directive_ = true;
      } else if (!result_.empty() && result_.back() != '\n' && (gap_ || !in_directive_)) {
        result_ += ' ';
      }
      const std::size_t end = token_end();
      result_ += text_.substr(at_, end - at_);
      at_ = end;
    }
    return std::move(result_);
  }

 private:
  std::string_view rest() const { return text_.substr(at_); }
  char peek(std::size_t at) const { return at < text_.size() ? text_[at] : '\0'; }

  void end_directive() {
    result_ += '\n';
    in_directive_ = false;
  }

  // White space and comments; a comment never ends a line, as the preprocessor has it.
  void skip_gap() {
    const std::size_t start = at_;
    line_ended_ = false;
    while (at_ < text_.size()) {
      if (rest().starts_with("//")) {
        skip_line_comment();
      } else if (rest().starts_with("/*")) {
        at_ = std::min(text_.find("*/", at_ + 2), text_.size() - 2) + 2;
      } else if (rest().starts_with("\\\n")) {
        at_ += 2;
      } else if (std::isspace(static_cast<unsigned char>(text_[at_])) != 0) {
        line_ended_ = line_ended_ || text_[at_] == '\n';
        ++at_;
      } else {
        break;
      }
    }
    gap_ = at_ > start;
  }

  // Up to its line's end, which is not part of it.
  void skip_line_comment() {
    do {
      at_ = std::min(text_.find('\n', at_ + 1), text_.size());
    } while (at_ < text_.size() && text_[at_ - 1] == '\\');
  }

  std::size_t token_end() const {
    const char c = text_[at_];
    if (is_digit(c) || (c == '.' && is_digit(peek(at_ + 1)))) return number_end();
    std::size_t end = at_;
    while (is_word(peek(end))) ++end;
    const std::string_view word = text_.substr(at_, end - at_);
    const bool raw = word.ends_with('R');
    const std::string_view encoding = raw ? word.substr(0, word.size() - 1) : word;
    const bool prefix = encoding.empty() || encoding == "u8" || encoding == "u" ||
                        encoding == "U" || encoding == "L";
    if (prefix && raw && peek(end) == '"') return raw_literal_end(end);
    if (prefix && (peek(end) == '"' || peek(end) == '\'')) return literal_end(end);
    if (!word.empty()) return end;
    for (const std::string_view sign : kLongSigns) {
      if (rest().starts_with(sign)) return at_ + sign.size();
    }
    return at_ + 1;
  }

  std::size_t number_end() const {
    std::size_t end = at_;
    while (is_word(peek(end)) || peek(end) == '.' ||
           (peek(end) == '\'' && is_word(peek(end + 1)))) {
      const bool exponent = std::string_view("eEpP").find(text_[end]) != std::string_view::npos;
      ++end;
      if (exponent && (peek(end) == '+' || peek(end) == '-')) ++end;
    }
    return end;
  }

  // Behind the quote that closes the one at `open`; an open literal ends with its line.
  std::size_t literal_end(std::size_t open) const {
    std::size_t end = open + 1;
    while (end < text_.size() && text_[end] != text_[open] && text_[end] != '\n') {
      end += text_[end] == '\\' ? 2 : 1;
    }
    if (peek(end) == text_[open]) ++end;
    while (is_word(peek(end))) ++end;  // a suffix
    return std::min(end, text_.size());
  }

  std::size_t raw_literal_end(std::size_t open) const {
    const std::size_t bracket = text_.find('(', open);
    if (bracket == std::string_view::npos) return text_.size();
    std::string close(1, ')');
    close.append(text_.substr(open + 1, bracket - open - 1)).append(1, '"');
    const std::size_t found = text_.find(close, bracket);
    return found == std::string_view::npos ? text_.size() : found + close.size();
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool gap_ = false, line_ended_ = false;  // what the last gap was
  bool in_directive_ = false;
  std::string result_;
};

}  // namespace

std::string canonical_source(std::string_view text) { return Scanner(text).tokens(); }

}  // namespace xinfer::jit
