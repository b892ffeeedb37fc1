// Files as memory: mapped for reading, written whole or not at all.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>

#include "core/status.h"

namespace xinfer::engine {

/// Read-only bytes, 64-byte aligned, that stay valid as long as `owner`.
struct Bytes {
  std::shared_ptr<const void> owner;
  std::span<const std::byte> data;
};

/// Maps a file. An empty file gives an empty span.
Result<Bytes> map_file(const std::filesystem::path& path);

/// A copy of `bytes` (any alignment).
Bytes copy_bytes(std::span<const std::byte> bytes);

/// Writes to a temporary name in the same folder, syncs, and renames over `path`: a process that
/// dies leaves the old file or the new one.
Status write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes);

}  // namespace xinfer::engine
