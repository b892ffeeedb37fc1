// Names in text: any bytes between double quotes, bare where they need none.
#pragma once

#include <string>
#include <string_view>

#include "core/status.h"

namespace xinfer::ir {

/// `text` in double quotes; quote, backslash and control characters escaped as \", \\, \n, \t,
/// \xHH.
std::string quoted(std::string_view text);

/// Reads what `quoted` wrote; text[at] is the opening quote, and `at` ends behind the closing one.
Result<std::string> read_quoted(std::string_view text, std::size_t& at);

/// `name` as it is if it consists of bare name characters, else quoted.
std::string bare_or_quoted(std::string_view name);

/// Word characters, '/' and '-': what ONNX exporters use in names.
bool is_bare_name_character(char c);

/// Letters, digits, '_' and '.' of ASCII, whatever the locale.
bool is_word_character(char c);

}  // namespace xinfer::ir
