#include "ir/quoting.h"

#include <algorithm>
#include <charconv>

namespace xinfer::ir {

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      result += {'\\', c};
    } else if (c == '\n') {
      result += "\\n";
    } else if (c == '\t') {
      result += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      result += fmt::format("\\x{:02x}", byte);
    } else {
      result += c;
    }
  }
  return result + '"';
}

/// Reads the escape sequence whose backslash is text[at]; `at` ends on its last character.
static Result<char> read_escape(std::string_view text, std::size_t& at) {
  if (++at >= text.size()) return invalid_argument("text ends within an escape sequence");
  switch (text[at]) {
    case '"':
    case '\\':
      return text[at];
    case 'n':
      return '\n';
    case 't':
      return '\t';
    case 'x': {
      unsigned byte = 0;
      const char* first = text.data() + at + 1;
      const char* last = first + std::min<std::size_t>(2, text.size() - at - 1);
      const auto [end, error] = std::from_chars(first, last, byte, 16);
      if (error != std::errc() || end != first + 2) break;
      at += 2;
      return static_cast<char>(byte);
    }
    default:
      break;
  }
  return invalid_argument("unknown escape sequence \"\\{}\"; known: \\\" \\\\ \\n \\t \\xHH",
                          text[at]);
}

Result<std::string> read_quoted(std::string_view text, std::size_t& at) {
  std::string result;
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] != '\\') {
      result += text[at];
      continue;
    }
    XINFER_ASSIGN_OR_RETURN(const char c, read_escape(text, at));
    result += c;
  }
  if (at >= text.size()) return invalid_argument("text ends before the closing quote");
  ++at;
  return result;
}

bool is_word_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.';
}

bool is_bare_name_character(char c) { return is_word_character(c) || c == '/' || c == '-'; }

std::string bare_or_quoted(std::string_view name) {
  const bool bare = !name.empty() && std::all_of(name.begin(), name.end(), is_bare_name_character);
  return bare ? std::string(name) : quoted(name);
}

}  // namespace xinfer::ir
