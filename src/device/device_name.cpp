#include "device/device_name.h"

#include <charconv>

namespace xinfer {

Result<Device> parse_device(std::string_view text) {
  constexpr std::string_view kCuda = "cuda";
  if (text == "auto" || text.empty()) return Device{};
  if (text == "cpu") return Device{Device::Kind::kCpu, 0, ""};
  if (text == kCuda) return Device{Device::Kind::kCuda, 0, ""};
  if (text.starts_with("cuda:")) {
    const std::string_view which = text.substr(kCuda.size() + 1);
    if (which.starts_with("sm_")) return Device{Device::Kind::kCuda, 0, std::string(which)};
    int ordinal = 0;
    const char* end = which.data() + which.size();
    const auto [rest, error] = std::from_chars(which.data(), end, ordinal);
    if (error == std::errc() && rest == end && ordinal >= 0 && !which.empty()) {
      return Device{Device::Kind::kCuda, ordinal, ""};
    }
  }
  return invalid_argument("device \"{}\"; xinfer supports: cpu, cuda, cuda:N, cuda:sm_90a", text);
}

}  // namespace xinfer
