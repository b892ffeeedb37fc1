// What a cubin says about its kernels: registers, local memory (spills), static shared memory.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "core/status.h"

namespace xinfer::cuda {

struct KernelResources {
  std::string entry;
  int registers = 0;
  int local_bytes = 0;   ///< stack frame of a thread: spilled registers, indexed local arrays
  int shared_bytes = 0;  ///< static shared memory
};

/// Reads the ELF file that NVRTC or ptxas wrote: section .nv.info (EIATTR_REGCOUNT and
/// EIATTR_FRAME_SIZE, as cuobjdump --dump-elf shows them) and .nv.shared.<entry>.
Result<std::vector<KernelResources>> cubin_resources(std::span<const std::byte> cubin);

}  // namespace xinfer::cuda
