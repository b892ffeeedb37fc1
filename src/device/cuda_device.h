// CUDA devices: what each one is, and the context in which xinfer works on it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/status.h"
#include "device/cuda_driver.h"

namespace xinfer::cuda {

/// What kernels and reports need to know about a device.
struct DeviceProperties {
  std::string name;
  int compute_capability = 0;  ///< 10 * major + minor: 90 for an H200
  int multiprocessors = 0;
  std::size_t memory_bytes = 0;
  std::size_t l2_bytes = 0;
  int shared_bytes_per_block = 0;  ///< the most that a block may opt in to
  int shared_bytes_per_multiprocessor = 0;
  int clock_khz = 0;           ///< the highest of the multiprocessors; 0 if the driver does not say
  double memory_gb_per_s = 0;  ///< at the memory's clock and bus width; 0 likewise
};

/// Operations (two a multiply-accumulate) that one multiprocessor completes in a clock, dense.
struct MultiprocessorRate {
  int int8 = 0;  ///< on the tensor cores
  int f32 = 0;   ///< on the ordinary units
};
MultiprocessorRate multiprocessor_rate(int compute_capability);

/// Number of devices that the driver sees.
Result<int> device_count();

Result<DeviceProperties> device_properties(int ordinal);

/// A context to work in: the calling thread's current context if it belongs to the device (so that
/// memory of PyTorch, pycuda and others is valid), otherwise the device's primary context, retained
/// for the lifetime of this object. Make it current on a thread by a ContextScope.
class Context {
 public:
  static Result<Context> open(int ordinal);
  Context(Context&& other) noexcept;
  Context& operator=(Context&& other) noexcept;
  ~Context();

  int ordinal() const { return ordinal_; }
  ContextHandle handle() const { return handle_; }

 private:
  Context(int ordinal, DeviceOrdinal device, ContextHandle handle, bool retained)
      : ordinal_(ordinal), device_(device), handle_(handle), retained_(retained) {}

  int ordinal_ = 0;
  DeviceOrdinal device_ = 0;
  ContextHandle handle_ = nullptr;
  bool retained_ = false;
};

/// Makes a context current on this thread and restores the former one at the end.
class ContextScope {
 public:
  explicit ContextScope(const Context& context);
  ~ContextScope();
  ContextScope(const ContextScope&) = delete;
  ContextScope& operator=(const ContextScope&) = delete;

  /// Whether the context could be made current.
  const Status& status() const { return status_; }

 private:
  Status status_;
};

}  // namespace xinfer::cuda
