// The zip container, as far as .npz needs it.
// https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/status.h"

namespace xinfer {

/// One file of an archive, as the central directory lists it.
struct ZipMember {
  std::string name;
  bool deflated = false;
  std::uint32_t crc32 = 0;
  std::uint64_t packed_bytes = 0;
  std::uint64_t unpacked_bytes = 0;
  std::uint64_t header_offset = 0;
};

/// The members of an archive (ZIP64 included), in the directory's order.
Result<std::vector<ZipMember>> list_zip(std::span<const std::byte> archive);

/// A member's unpacked bytes, their checksum verified.
Result<std::vector<std::byte>> extract_zip(std::span<const std::byte> archive,
                                           const ZipMember& member);

/// Collects members and their directory. Members are stored, not packed.
class ZipWriter {
 public:
  /// The bytes that precede the member's content, which the caller writes behind them. `parts` is
  /// that content.
  Result<std::string> add(const std::string& name,
                          std::span<const std::span<const std::byte>> parts);

  /// The bytes that end the archive.
  std::string finish() const;

 private:
  std::string directory_;
  std::uint16_t count_ = 0;
  std::uint64_t offset_ = 0;
};

}  // namespace xinfer
