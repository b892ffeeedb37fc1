// Compiled kernels of a plan as the launcher's KernelSpec.
#pragma once

#include "engine/engine_file.h"
#include "kernels/cuda/kernel_spec.h"

namespace xinfer::runtime {

/// Everything but source and layer constants, which the cubin replaces.
kernels::cuda::KernelSpec read_kernel(const engine::fb::CudaKernel& kernel);

}  // namespace xinfer::runtime
