// Times compiled kernels on a device, on operands of random bytes.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/status.h"
#include "device/cuda_device.h"
#include "device/cuda_memory.h"
#include "device/cuda_stream.h"
#include "kernels/cuda/kernel_spec.h"

namespace xinfer::tune {

/// Bytes of each operand of a launch at the batch to be timed.
using OperandSizes = std::vector<std::pair<kernels::cuda::Operand, std::size_t>>;

class KernelTimer {
 public:
  static Result<KernelTimer> open(int ordinal);
  const cuda::DeviceProperties& device() const { return device_; }

  /// Microseconds of one launch among several back to back: the least of some repetitions.
  Result<double> microseconds(const kernels::cuda::KernelSpec& spec,
                              std::span<const std::byte> cubin, const OperandSizes& operands,
                              std::int64_t batch);

 private:
  KernelTimer(cuda::Context context, cuda::DeviceProperties device)
      : context_(std::move(context)), device_(std::move(device)) {}
  Result<cuda::DevicePointer> operand(kernels::cuda::Operand which, std::size_t size_bytes);

  cuda::Context context_;
  cuda::DeviceProperties device_;
  std::vector<cuda::Buffer> buffers_;  ///< by operand; grown as needed
};

}  // namespace xinfer::tune
