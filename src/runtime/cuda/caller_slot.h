// One input or output of a context: where kernels find or put it. Memory of the GPU is used in
// place; host memory goes through page-locked memory and a buffer of the device, both made when
// they are first needed.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "core/status.h"
#include "device/cuda_memory.h"
#include "device/cuda_stream.h"
#include "runtime/executor.h"

namespace xinfer::runtime {

/// Kernels load and store 16 bytes at a time; memory that is less aligned is copied on the device.
inline constexpr std::size_t kKernelAlignment = 16;

class CallerSlot {
 public:
  /// `what` names it in errors: `input "x"`. `largest_bytes` at the largest shapes of the profile.
  CallerSlot(std::string what, int ordinal, std::size_t largest_bytes)
      : what_(std::move(what)), ordinal_(ordinal), largest_bytes_(largest_bytes) {}

  /// Fails if no shape of the profile has so many bytes: `origin` is a damaged file then.
  Status check_fits(std::size_t bytes, const std::string& origin) const;

  /// Makes `bytes` of an input readable for kernels enqueued on `stream` from now on, and returns
  /// where they are. Pageable host memory has been read when this returns.
  Result<cuda::DevicePointer> bring_in(const CallerMemory& source, std::size_t bytes,
                                       const cuda::Stream& stream);

  /// Where kernels shall write `bytes` of an output.
  Result<cuda::DevicePointer> place(const CallerMemory& target, std::size_t bytes);
  /// Enqueues bringing a placed output to the caller. Pageable host memory is written when
  /// `finish` is called, after the stream has been waited for; at once if `at_once` is set, which
  /// makes this wait.
  Status bring_out(const CallerMemory& target, std::size_t bytes, const cuda::Stream& stream,
                   bool at_once);
  void finish();

  /// The device's buffer for it, for runs that leave inputs and outputs on the device.
  Result<cuda::DevicePointer> device_buffer();

  /// Bytes of device memory that it holds.
  std::size_t device_bytes() const { return device_.size_bytes(); }

 private:
  Result<bool> is_used_in_place(const CallerMemory& memory, std::size_t bytes) const;
  Result<void*> page_locked_buffer();

  std::string what_;
  int ordinal_;
  std::size_t largest_bytes_;
  cuda::Buffer device_;
  cuda::PinnedBuffer host_;
  std::optional<cuda::Event> host_read_;  ///< the last copy from host_ is over
  bool placed_at_caller_ = false;         ///< kernels write the output where the caller wants it
  void* pending_ = nullptr;               ///< where `finish` puts what is in host_
  std::size_t pending_bytes_ = 0;
};

}  // namespace xinfer::runtime
