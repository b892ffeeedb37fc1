// Kernels as lowering describes them to cubins.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/status.h"
#include "jit/cubin_cache.h"
#include "jit/nvrtc.h"
#include "kernels/cuda/kernel_spec.h"

namespace xinfer::jit {

/// The compilation of a kernel: its source, what that includes, and its layer constants.
Result<Compilation> compilation_of(const kernels::cuda::KernelSpec& spec,
                                   const std::string& architecture);

struct KernelBuild {
  std::string architecture;                ///< "sm_90a"
  int threads = 0;                         ///< 0: all processors this process may use
  std::function<void(int, int)> progress;  ///< kernels done, kernels in all; on the calling thread
};

/// The cubins of `specs`, in their order, through `cache`; on several threads. The first failure
/// names its kernel.
Result<std::vector<std::vector<std::byte>>> compile_kernels(
    std::span<const kernels::cuda::KernelSpec* const> specs, const KernelBuild& build,
    const CubinCache& cache);

}  // namespace xinfer::jit
