// Kernels compiled for the processor, kept in a folder.
#pragma once

#include <filesystem>
#include <string>

#include "core/status.h"
#include "kernels/cuda/kernel_spec.h"

namespace xinfer::gpu::emulator {

class HostCompiler {
 public:
  /// The folder is made if it is missing.
  explicit HostCompiler(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// A shared object with the spec's kernel, as "emulated_entry(slots)": from the folder, compiled
  /// first if it is missing, by the compiler that built this program. Any number of processes may
  /// share a folder.
  Result<std::filesystem::path> shared_object(const kernels::cuda::KernelSpec& spec) const;

 private:
  std::filesystem::path folder_;
};

}  // namespace xinfer::gpu::emulator
