// The CUDA sources of src/kernels, embedded when xinfer is built.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "jit/nvrtc.h"

namespace xinfer::jit {

/// Every embedded source, named by its path under src/kernels ("conv/cuda_mma.cuh").
std::span<const NamedSource> kernel_sources();

/// The source of that name and everything it includes, directly or not; the name of a source that
/// is generated for each kernel ("layer.cuh") is skipped. Sorted by name, each with its canonical
/// text.
Result<std::vector<NamedSource>> sources_of(std::string_view name);

}  // namespace xinfer::jit
