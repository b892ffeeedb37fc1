// POSIX reading, mapping and atomic replacing of files.
#include "data/file_bytes.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace xinfer {
namespace {

/// A file descriptor, closed at the end of its scope.
class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;

  int get() const { return fd_; }

 private:
  int fd_;
};

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

Status write_all(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_error("write the file");
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

Status write_temporary(const std::filesystem::path& path,
                       std::span<const std::span<const std::byte>> parts) {
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (file.get() < 0) return system_error("create the file");
  for (const std::span<const std::byte> part : parts) {
    XINFER_RETURN_IF_ERROR(write_all(file.get(), part));
  }
  if (::fsync(file.get()) != 0) return system_error("sync the file");
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

Status write_file_bytes(const std::filesystem::path& path,
                        std::span<const std::span<const std::byte>> parts) {
  std::filesystem::path temporary = path;
  temporary += fmt::format(".{}.tmp", ::getpid());
  Status status = write_temporary(temporary, parts);
  if (status.ok() && ::rename(temporary.c_str(), path.c_str()) != 0) {
    status = system_error("rename the temporary file");
  }
  if (status.ok()) return status;
  ::unlink(temporary.c_str());
  return std::move(status).with_context(fmt::format("file \"{}\"", path.string()));
}

}  // namespace xinfer
