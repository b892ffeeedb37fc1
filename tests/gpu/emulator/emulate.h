// GPU cases on the processor.
#pragma once

#include <cstdint>

#include "gpu_case.h"
#include "host_compiler.h"

namespace xinfer::gpu::emulator {

/// Runs the case's kernel in a process of its own and compares what it wrote. `seed` draws the
/// order of threads, the moments of asynchronous operations and the number of multiprocessors.
/// Fails for wrong values, accesses outside the operands, misaligned accesses, races on shared
/// memory with operations in flight, deadlocks.
Status emulate_case(const GpuCase& test, const HostCompiler& compiler, std::uint64_t seed);

}  // namespace xinfer::gpu::emulator
