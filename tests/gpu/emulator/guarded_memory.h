// Memory that ends at an unmapped page and begins behind another, so that an access outside stops
// the program.
#pragma once

#include <cstddef>
#include <cstdint>

namespace xinfer::gpu::emulator {

class GuardedMemory {
 public:
  /// 16-byte aligned; up to 15 bytes lie between its end and the page behind it.
  explicit GuardedMemory(std::size_t bytes);
  ~GuardedMemory();
  GuardedMemory(GuardedMemory&& other) noexcept;
  GuardedMemory& operator=(GuardedMemory&&) = delete;

  std::uint8_t* data() const { return data_; }
  std::size_t size() const { return bytes_; }

 private:
  std::size_t bytes_, mapped_;
  std::uint8_t* mapping_;
  std::uint8_t* data_;
};

}  // namespace xinfer::gpu::emulator
