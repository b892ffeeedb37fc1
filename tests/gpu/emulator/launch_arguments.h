// A case's operands in guarded memory, and the kernel's arguments that refer to them.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gpu_case.h"
#include "guarded_memory.h"
#include "tensor_map.h"

namespace xinfer::gpu::emulator {

class LaunchArguments {
 public:
  static Result<LaunchArguments> bind(const GpuCase& test);

  /// One address an argument, of its value.
  void* const* slots() const { return slots_.data(); }
  /// The output tensor; fails if bytes behind its end were written.
  Result<std::vector<std::uint8_t>> output() const;
  /// The operand whose memory, or the page beside it, holds the address.
  std::string nearest_operand(const void* address) const;

 private:
  struct Buffer {
    kernels::cuda::Operand operand;
    GuardedMemory memory;
  };
  /// A parameter's bytes: the largest is a tensor map.
  struct alignas(64) Slot {
    std::uint8_t bytes[128] = {};
  };

  void add(kernels::cuda::Operand operand, const std::vector<std::uint8_t>& bytes);
  std::uint8_t* address(kernels::cuda::Operand operand) const;
  Status add_argument(const GpuCase& test, const kernels::cuda::KernelArgument& argument);
  void append(const void* value, std::size_t bytes);

  std::vector<Buffer> buffers_;
  std::size_t y_bytes_ = 0, y_offset_ = 0;
  std::vector<std::pair<kernels::cuda::Operand, std::size_t>> more_outputs_;
  std::vector<std::unique_ptr<BoundTensorMap>> maps_;
  std::vector<std::unique_ptr<Slot>> values_;
  std::vector<void*> slots_;
};

}  // namespace xinfer::gpu::emulator
