// The frame of an engine file: header, metadata (FlatBuffers), blobs. docs/engine-format.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "core/status.h"

namespace xinfer::engine {

/// Raised whenever older readers could misread a newer file. A reader takes its own number only.
inline constexpr std::uint32_t kFormatVersion = 1;

/// Alignment of the metadata, of the blob section and of every blob in it, in bytes.
inline constexpr std::size_t kBlobAlignment = 64;

/// First bytes of the file, little endian. Hashes are XXH3-64.
struct FileHeader {
  char magic[8];
  std::uint32_t format_version;
  std::uint32_t header_bytes;
  std::uint64_t file_bytes;
  std::uint64_t metadata_offset;
  std::uint64_t metadata_bytes;
  std::uint64_t metadata_hash;
  std::uint64_t blobs_offset;
  std::uint64_t blobs_bytes;
  std::uint64_t blobs_hash;
  std::uint64_t header_hash;  ///< of all bytes before this field
};
static_assert(sizeof(FileHeader) == 80);

/// The two parts of a checked file.
struct FileParts {
  std::span<const std::byte> metadata;
  std::span<const std::byte> blobs;
};

/// Checks magic, version, sizes and hashes; nothing else of the file has been read when this fails.
/// `origin` names the file in messages.
Result<FileParts> open_frame(std::span<const std::byte> file, const std::string& origin);

/// Header, metadata and blobs in one buffer.
std::string make_frame(std::span<const std::byte> metadata, std::span<const std::byte> blobs);

}  // namespace xinfer::engine
