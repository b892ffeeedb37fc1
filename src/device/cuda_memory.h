// Device memory and page-locked host memory, freed with their owner, and copies between them.
#pragma once

#include <cstddef>

#include "core/status.h"
#include "device/cuda_driver.h"

namespace xinfer::cuda {

/// Device memory in the context that is current when it is allocated. 256-byte aligned.
class Buffer {
 public:
  Buffer() = default;
  /// `size_bytes` of uninitialised memory; 0 gives an empty buffer.
  static Result<Buffer> allocate(std::size_t size_bytes);
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;
  ~Buffer();

  DevicePointer address() const { return address_; }
  std::size_t size_bytes() const { return size_bytes_; }

 private:
  Buffer(DevicePointer address, std::size_t size_bytes)
      : address_(address), size_bytes_(size_bytes) {}

  DevicePointer address_ = 0;
  std::size_t size_bytes_ = 0;
};

/// Page-locked host memory, which asynchronous copies need.
class PinnedBuffer {
 public:
  PinnedBuffer() = default;
  static Result<PinnedBuffer> allocate(std::size_t size_bytes);
  PinnedBuffer(PinnedBuffer&& other) noexcept;
  PinnedBuffer& operator=(PinnedBuffer&& other) noexcept;
  ~PinnedBuffer();

  void* data() const { return data_; }
  std::size_t size_bytes() const { return size_bytes_; }

 private:
  PinnedBuffer(void* data, std::size_t size_bytes) : data_(data), size_bytes_(size_bytes) {}

  void* data_ = nullptr;
  std::size_t size_bytes_ = 0;
};

/// Whether kernels of the current context can use `size_bytes` from `address` on. Fails with
/// invalid_argument otherwise, saying whose memory it is (no GPU's, which freed memory is, another
/// device's, another context's) or how much of its allocation is left.
Status check_accessible(DevicePointer address, std::size_t size_bytes, int ordinal);

/// Whether host memory is page-locked, by this library or another.
bool is_page_locked(const void* data);

/// Synchronous copies: done when they return.
Status copy_to_device(DevicePointer target, const void* source, std::size_t size_bytes);
Status copy_to_host(void* target, DevicePointer source, std::size_t size_bytes);

}  // namespace xinfer::cuda
