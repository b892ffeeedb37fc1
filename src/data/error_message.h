// The message inside a thrown Error.
#pragma once

#include <string>
#include <string_view>

#include "xinfer/core/error.h"

namespace xinfer {

/// What was reported, without the code that `what()` begins with.
inline std::string message_of(const Error& error) {
  std::string_view what = error.what();
  what.remove_prefix(std::string_view(to_string(error.code())).size() + 2);
  return std::string(what);
}

}  // namespace xinfer
