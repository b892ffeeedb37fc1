// POSIX files: a descriptor that closes itself, and files written whole or not at all.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include "core/status.h"

namespace xinfer {

/// A file descriptor, closed at the end of its scope; negative if opening failed.
class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor();
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;

  int get() const { return fd_; }

 private:
  int fd_;
};

/// Replaces `path` by the concatenation of `parts`: written under a temporary name in the same
/// folder, synced, renamed. A process that dies leaves the old file or the new one. Messages name
/// the file.
Status write_file_atomically(const std::filesystem::path& path,
                             std::span<const std::span<const std::byte>> parts);
Status write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes);

/// Holds off other processes and threads that lock `folder` too, until it is destroyed; the current
/// folder if it is empty. Where the file system has no locks, or the folder cannot be opened,
/// nobody is held off.
class FolderLock {
 public:
  explicit FolderLock(const std::filesystem::path& folder);

 private:
  FileDescriptor folder_;  ///< closing it gives the lock back
};

}  // namespace xinfer
