// A compiled kernel bound to addresses and a batch: ready to be launched any number of times.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/status.h"
#include "device/cuda_module.h"
#include "kernels/cuda/kernel_spec.h"

namespace xinfer::kernels::cuda {

/// The device addresses of a kernel's operands; 0 where the kernel has none.
class OperandAddresses {
 public:
  OperandAddresses& set(Operand operand, xinfer::cuda::DevicePointer address) {
    addresses_[static_cast<std::size_t>(operand)] = address;
    return *this;
  }
  xinfer::cuda::DevicePointer operator[](Operand operand) const {
    return addresses_[static_cast<std::size_t>(operand)];
  }

 private:
  std::array<xinfer::cuda::DevicePointer, kOperandCount> addresses_ = {};
};

class BoundKernel {
 public:
  /// `kernel` is spec.entry of the spec's cubin. Encodes the tensor maps and permits the shared
  /// memory. `overlap` uses programmatic dependent launch (devices of capability 90 and up).
  static Result<BoundKernel> bind(const KernelSpec& spec, const xinfer::cuda::Kernel& kernel,
                                  const OperandAddresses& addresses, std::int64_t batch,
                                  int multiprocessors, bool overlap);

  Status launch(const xinfer::cuda::Stream& stream) const;
  /// Gives `node` of `graph`, a launch of the same kernel at the same batch, these addresses.
  Status update(const xinfer::cuda::Graph& graph, xinfer::cuda::GraphNodeHandle node) const;
  const xinfer::cuda::LaunchShape& shape() const { return shape_; }

 private:
  std::array<void*, kMostArguments> arguments() const;

  xinfer::cuda::Kernel kernel_;
  xinfer::cuda::LaunchShape shape_;
  std::vector<xinfer::cuda::TensorMap> values_;  // one 128-byte slot an argument, 64-byte aligned
};

}  // namespace xinfer::kernels::cuda
