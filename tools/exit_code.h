// What the command's exit code says to a shell.
#pragma once

#include <exception>

#include "xinfer/core/error.h"

namespace xinfer::tools {

inline constexpr int kUserError = 1;  ///< the request cannot be served: option, file, model, engine
inline constexpr int kOurError = 2;   ///< a bug in xinfer

/// Everything but an Error of another kind than internal is our mistake.
inline int exit_code(const std::exception& error) {
  const auto* known = dynamic_cast<const Error*>(&error);
  return known != nullptr && known->code() != ErrorCode::kInternal ? kUserError : kOurError;
}

}  // namespace xinfer::tools
