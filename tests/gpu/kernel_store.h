// Compiled kernels for the GPU programs: compiled where NVRTC is, then found in a folder on the
// machine with the GPU.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "core/status.h"
#include "jit/cubin_cache.h"
#include "kernels/cuda/kernel_spec.h"

namespace xinfer::gpu {

class KernelStore {
 public:
  /// `bounded_waits`: kernels trap after a few seconds of waiting for a barrier.
  KernelStore(std::filesystem::path folder, std::string architecture, bool bounded_waits)
      : cache_(std::move(folder)),
        architecture_(std::move(architecture)),
        bounded_waits_(bounded_waits) {}

  /// The cubin from the folder, compiled first if it is missing and NVRTC is here.
  Result<std::vector<std::byte>> cubin(const kernels::cuda::KernelSpec& spec) const;

 private:
  jit::CubinCache cache_;
  std::string architecture_;
  bool bounded_waits_;
};

}  // namespace xinfer::gpu
