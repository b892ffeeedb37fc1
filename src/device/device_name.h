// The words of --device: "cpu", "cuda", "cuda:1", "cuda:sm_90a".
#pragma once

#include <string>
#include <string_view>

#include "core/status.h"

namespace xinfer {

/// A device to run on or to build for.
struct Device {
  enum class Kind { kAuto, kCpu, kCuda };
  Kind kind = Kind::kAuto;
  int ordinal = 0;           ///< kCuda: which GPU
  std::string architecture;  ///< kCuda, building only: "sm_90a" for a GPU that need not be there
};

/// Reads "auto", "cpu", "cuda", "cuda:N" or "cuda:sm_NN"; fails with invalid_argument, naming them.
Result<Device> parse_device(std::string_view text);

}  // namespace xinfer
