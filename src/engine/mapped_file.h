// Files as memory, mapped for reading.
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

}  // namespace xinfer::engine
