// Whole files in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "core/status.h"

namespace xinfer {

/// The contents of a regular file of at most `max_bytes`. Messages do not name the file.
Result<std::vector<std::byte>> read_file_bytes(const std::filesystem::path& path,
                                               std::int64_t max_bytes);

/// A file mapped into memory, copy-on-write: writing changes the memory, never the file. The file
/// must not shrink while it is mapped (the system then ends the process with SIGBUS).
class MappedFile {
 public:
  /// Messages do not name the file.
  static Result<std::shared_ptr<MappedFile>> open(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<std::byte> bytes() { return {data_, size_}; }

 private:
  MappedFile(std::byte* data, std::size_t size) : data_(data), size_(size) {}

  std::byte* data_;
  std::size_t size_;
};

}  // namespace xinfer
