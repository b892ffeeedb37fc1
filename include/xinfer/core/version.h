// The library's version.
#pragma once

namespace xinfer {

inline constexpr const char* kVersion = "0.1.0";

}  // namespace xinfer
