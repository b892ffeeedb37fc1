#include "import/utf8.h"

#include <cstddef>
#include <cstdint>

namespace xinfer::import {
namespace {

/// What a first byte announces: how many bytes follow, and the smallest code point of that length.
struct Lead {
  int following;
  std::uint32_t bits;
  std::uint32_t least;
};

Lead lead_of(unsigned char byte) {
  if (byte < 0x80) return {0, byte, 0};
  if (byte >> 5 == 0x6) return {1, byte & 0x1fu, 0x80};
  if (byte >> 4 == 0xe) return {2, byte & 0x0fu, 0x800};
  if (byte >> 3 == 0x1e) return {3, byte & 0x07u, 0x10000};
  return {-1, 0, 0};
}

}  // namespace

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const Lead lead = lead_of(static_cast<unsigned char>(text[i++]));
    if (lead.following < 0 || text.size() - i < static_cast<std::size_t>(lead.following)) {
      return false;
    }
    std::uint32_t code = lead.bits;
    for (int k = 0; k < lead.following; ++k) {
      const auto byte = static_cast<unsigned char>(text[i++]);
      if (byte >> 6 != 0x2) return false;
      code = code << 6 | (byte & 0x3fu);
    }
    const bool is_surrogate = code >= 0xd800 && code < 0xe000;
    if (code < lead.least || code > 0x10ffff || is_surrogate) return false;
  }
  return true;
}

}  // namespace xinfer::import
