// Base64 (RFC 4648, with padding): histograms inside JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace xinfer::calibrate {

std::string encode_base64(std::span<const std::uint8_t> bytes);

/// Nothing if the text is not what encode_base64 writes.
std::optional<std::vector<std::uint8_t>> decode_base64(std::string_view text);

}  // namespace xinfer::calibrate
