// POSIX reading and mapping of files.
#include "data/file_bytes.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/file.h"

namespace xinfer {
namespace {

Status system_error(const char* action) {
  return io_error("cannot {}: {}", action, std::strerror(errno));
}

/// The size of an open regular file.
Result<std::int64_t> regular_file_size(int fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return system_error("stat the file");
  if (!S_ISREG(info.st_mode)) return io_error("not a regular file");
  return static_cast<std::int64_t>(info.st_size);
}

Status read_all(int fd, std::byte* out, std::size_t size) {
  while (size > 0) {
    const ssize_t count = ::read(fd, out, size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_error("read the file");
    if (count == 0) return io_error("the file became shorter while it was read");
    out += count;
    size -= static_cast<std::size_t>(count);
  }
  return {};
}

}  // namespace

Result<std::vector<std::byte>> read_file_bytes(const std::filesystem::path& path,
                                               std::int64_t max_bytes) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return system_error("open the file");
  XINFER_ASSIGN_OR_RETURN(const std::int64_t size, regular_file_size(file.get()));
  if (size > max_bytes) return unsupported("its {} bytes exceed {}", size, max_bytes);
  std::vector<std::byte> bytes(static_cast<std::size_t>(size));
  XINFER_RETURN_IF_ERROR(read_all(file.get(), bytes.data(), bytes.size()));
  return bytes;
}

Result<std::shared_ptr<MappedFile>> MappedFile::open(const std::filesystem::path& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return system_error("open the file");
  XINFER_ASSIGN_OR_RETURN(const std::int64_t size, regular_file_size(file.get()));
  if (size == 0) return io_error("the file is empty");
  void* data = ::mmap(nullptr, static_cast<std::size_t>(size), PROT_READ | PROT_WRITE, MAP_PRIVATE,
                      file.get(), 0);
  if (data == MAP_FAILED) return system_error("map the file");
  return std::shared_ptr<MappedFile>(
      new MappedFile(static_cast<std::byte*>(data), static_cast<std::size_t>(size)));
}

MappedFile::~MappedFile() { ::munmap(data_, size_); }

}  // namespace xinfer
