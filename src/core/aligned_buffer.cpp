#include "core/aligned_buffer.h"

#include <cstdlib>
#include <cstring>
#include <string>

#include "xinfer/core/error.h"

namespace xinfer {

std::shared_ptr<void> allocate_buffer(std::size_t size_bytes) {
  const std::size_t total = align_up(size_bytes + kBufferMargin, kBufferAlignment);
  void* data = total < size_bytes ? nullptr : std::aligned_alloc(kBufferAlignment, total);
  if (data == nullptr) {
    throw Error(ErrorCode::kOutOfMemory,
                "cannot allocate " + std::to_string(size_bytes) + " bytes of host memory");
  }
  std::memset(static_cast<char*>(data) + size_bytes, 0, total - size_bytes);
  return std::shared_ptr<void>(data, std::free);
}

}  // namespace xinfer
