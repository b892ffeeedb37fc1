#include "translate.h"

#include <cctype>
#include <vector>

namespace xinfer::gpu::emulator {
namespace {

bool is_identifier(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

/// Reads one asm statement: asm [volatile] ( "text"… [: outputs [: inputs [: clobbers]]] )
class AsmReader {
 public:
  AsmReader(std::string_view text, std::size_t at) : text_(text), at_(at) {}

  /// The statement as C++; `end` is the position behind its closing parenthesis.
  Result<std::string> read(std::size_t* end) {
    skip_word("asm");
    skip_word("volatile");
    if (!take('(')) return broken();
    const std::string ptx = strings();
    std::string operands;
    for (int section = 0; take(':'); ++section) {
      while (peek() == '"') {
        strings();  // the constraint, or a clobber
        if (section >= 2) {
          take(',');
          continue;
        }
        const std::string_view value = parenthesised();
        operands += std::string(section == 0 ? "::emulated::output" : "::emulated::input") +
                    std::string(value) + ", ";
        take(',');
      }
    }
    if (!take(')')) return broken();
    *end = at_;
    if (ptx == "\"\"") return std::string("{}");  // only keeps a compiler from moving something
    if (operands.empty()) operands = "{nullptr, 0}";
    return "{ static const ::emulated::Statement xi_statement(" + ptx +
           "); ::emulated::Operand xi_operands[] = {" + operands +
           "}; xi_statement.run(xi_operands); }";
  }

 private:
  Status broken() const {
    return internal_error("cannot read the asm statement at \"{}\"",
                          text_.substr(at_, std::min<std::size_t>(60, text_.size() - at_)));
  }
  void skip_space() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
  }
  char peek() {
    skip_space();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void skip_word(std::string_view word) {
    skip_space();
    if (text_.substr(at_, word.size()) == word) at_ += word.size();
  }
  /// Adjacent string literals, as they stand.
  std::string strings() {
    std::string all;
    while (peek() == '"') {
      const std::size_t last = text_.find('"', at_ + 1);
      all += text_.substr(at_, last + 1 - at_);
      at_ = last + 1;
    }
    return all;
  }
  std::string_view parenthesised() {
    skip_space();
    const std::size_t first = at_;
    int depth = 0;
    do {
      if (text_[at_] == '(') ++depth;
      if (text_[at_] == ')') --depth;
      ++at_;
    } while (depth > 0 && at_ < text_.size());
    return text_.substr(first, at_ - first);
  }

  std::string_view text_;
  std::size_t at_;
};

bool starts_asm(std::string_view text, std::size_t at) {
  if (text.substr(at, 3) != "asm" || (at > 0 && is_identifier(text[at - 1]))) return false;
  const std::string_view rest = text.substr(at + 3);
  return rest.substr(0, 1) == "(" || rest.substr(0, 10) == " volatile(";
}

/// `extern __shared__ [__align__(n)] TYPE NAME[];` at `at` as a pointer; `end` is behind the
/// semicolon.
std::string dynamic_shared(std::string_view text, std::size_t at, std::size_t* end) {
  *end = text.find(';', at) + 1;
  const std::size_t bracket = text.find('[', at);
  std::size_t name = bracket;
  while (is_identifier(text[name - 1])) --name;
  std::size_t type_end = name;
  while (text[type_end - 1] == ' ') --type_end;
  std::size_t type = type_end;
  while (is_identifier(text[type - 1])) --type;
  const std::string type_name(text.substr(type, type_end - type));
  return type_name + "* const " + std::string(text.substr(name, bracket - name)) +
         " = static_cast<" + type_name + "*>(::emulated::dynamic_shared());";
}

}  // namespace

Result<std::string> translate_for_host(std::string_view text) {
  constexpr std::string_view kDynamicShared = "extern __shared__";
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at + 1;
    if (starts_asm(text, at)) {
      XINFER_ASSIGN_OR_RETURN(const std::string statement, AsmReader(text, at).read(&end));
      result += statement;
    } else if (text.substr(at, kDynamicShared.size()) == kDynamicShared) {
      result += dynamic_shared(text, at, &end);
    } else {
      result += text[at];
    }
    at = end;
  }
  return result;
}

}  // namespace xinfer::gpu::emulator
