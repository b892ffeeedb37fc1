#include "guarded_memory.h"

#include <sys/mman.h>

#include <new>
#include <utility>

namespace xinfer::gpu::emulator {
namespace {

constexpr std::size_t kPage = 4096;

}  // namespace

GuardedMemory::GuardedMemory(std::size_t bytes) : bytes_(bytes) {
  const std::size_t rounded = (bytes + 15) / 16 * 16;
  const std::size_t pages = (rounded + kPage - 1) / kPage;
  mapped_ = (pages + 2) * kPage;
  void* memory =
      mmap(nullptr, mapped_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  mapping_ = static_cast<std::uint8_t*>(memory);
  mprotect(mapping_ + kPage, pages * kPage, PROT_READ | PROT_WRITE);
  data_ = mapping_ + kPage + pages * kPage - rounded;
}

GuardedMemory::~GuardedMemory() {
  if (mapping_ != nullptr) munmap(mapping_, mapped_);
}

GuardedMemory::GuardedMemory(GuardedMemory&& other) noexcept
    : bytes_(other.bytes_),
      mapped_(other.mapped_),
      mapping_(std::exchange(other.mapping_, nullptr)),
      data_(other.data_) {}

}  // namespace xinfer::gpu::emulator
