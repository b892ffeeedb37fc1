#include "engine/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "core/aligned_buffer.h"

namespace xinfer::engine {
namespace {

/// Closes a descriptor at the end of its scope.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

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
  return ::fsync(fd) == 0 ? Status() : failed(path, "sync");
}

}  // namespace

Result<Bytes> map_file(const std::filesystem::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return failed(path, "open");
  struct stat info = {};
  if (::fstat(file.get(), &info) != 0) return failed(path, "read");
  if (!S_ISREG(info.st_mode)) return io_error("{}: not a regular file", path.string());
  const auto size = static_cast<std::size_t>(info.st_size);
  if (size == 0) return Bytes{};
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file.get(), 0);
  if (data == MAP_FAILED) return failed(path, "map");
  std::shared_ptr<const void> owner(
      data, [size](const void* p) { ::munmap(const_cast<void*>(p), size); });
  return Bytes{std::move(owner), {static_cast<const std::byte*>(data), size}};
}

Bytes copy_bytes(std::span<const std::byte> bytes) {
  std::shared_ptr<void> copy = allocate_buffer(bytes.size());
  if (!bytes.empty()) std::memcpy(copy.get(), bytes.data(), bytes.size());
  const auto* data = static_cast<const std::byte*>(copy.get());
  return Bytes{std::move(copy), {data, bytes.size()}};
}

Status write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  std::string temporary = path.string() + ".XXXXXX";
  const Descriptor file(::mkostemp(temporary.data(), O_CLOEXEC));
  if (file.get() < 0) return failed(path, "create a file beside");
  Status status = write_all(file.get(), bytes, path);
  if (status.ok() && ::fchmod(file.get(), 0644) != 0) status = failed(path, "set the mode of");
  if (status.ok() && ::rename(temporary.c_str(), path.c_str()) != 0)
    status = failed(path, "replace");
  if (!status.ok()) ::unlink(temporary.c_str());
  return status;
}

}  // namespace xinfer::engine
