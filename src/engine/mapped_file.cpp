#include "engine/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/aligned_buffer.h"
#include "core/file.h"

namespace xinfer::engine {
namespace {

Status failed(const std::filesystem::path& path, const char* what) {
  return io_error("{}: cannot {}: {}", path.string(), what, std::strerror(errno));
}

}  // namespace

Result<Bytes> map_file(const std::filesystem::path& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
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

}  // namespace xinfer::engine
