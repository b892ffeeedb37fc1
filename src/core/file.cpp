#include "core/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

namespace xinfer {
namespace {

Status failed(const std::filesystem::path& path, const char* what) {
  return io_error("{}: cannot {}: {}", path.string(), what, std::strerror(errno));
}

Status write_all(int fd, std::span<const std::byte> bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return failed(path, "write");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

Status write_parts(int fd, std::span<const std::span<const std::byte>> parts,
                   const std::filesystem::path& path) {
  for (const std::span<const std::byte> part : parts) {
    XINFER_RETURN_IF_ERROR(write_all(fd, part, path));
  }
  if (::fsync(fd) != 0) return failed(path, "sync");
  return ::fchmod(fd, 0644) == 0 ? Status() : failed(path, "set the mode of");
}

}  // namespace

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) ::close(fd_);
}

Status write_file_atomically(const std::filesystem::path& path,
                             std::span<const std::span<const std::byte>> parts) {
  std::string temporary = path.string() + ".XXXXXX";
  const FileDescriptor file(::mkostemp(temporary.data(), O_CLOEXEC));
  if (file.get() < 0) return failed(path, "create a file beside");
  Status status = write_parts(file.get(), parts, path);
  if (status.ok() && ::rename(temporary.c_str(), path.c_str()) != 0) {
    status = failed(path, "replace");
  }
  if (!status.ok()) ::unlink(temporary.c_str());
  return status;
}

Status write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  return write_file_atomically(path, std::span(&bytes, 1));
}

FolderLock::FolderLock(const std::filesystem::path& folder)
    : folder_(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  while (folder_.get() >= 0 && ::flock(folder_.get(), LOCK_EX) != 0 && errno == EINTR) {
  }
}

}  // namespace xinfer
