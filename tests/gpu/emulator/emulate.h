// GPU cases on the processor.
#pragma once

#include <cstdint>
#include <vector>

#include "gpu_case.h"
#include "host_compiler.h"

namespace xinfer::gpu::emulator {

/// The output tensor's bytes after the case's kernel ran in a process of its own. `seed` draws the
/// order of threads, the moments of asynchronous operations and the number of multiprocessors.
/// Fails for accesses outside the operands, misaligned accesses, races on shared memory with
/// operations in flight, deadlocks.
Result<std::vector<std::uint8_t>> emulated_output(const GpuCase& test, const HostCompiler& compiler,
                                                  std::uint64_t seed);

/// As `emulated_output`, compared with what the case expects.
Status emulate_case(const GpuCase& test, const HostCompiler& compiler, std::uint64_t seed);

}  // namespace xinfer::gpu::emulator
