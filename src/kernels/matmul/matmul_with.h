// Making a product with a chosen micro-kernel: for tactics, tests and benches.
#pragma once

#include "kernels/conv/gemm_kernel.h"
#include "kernels/matmul/matmul.h"

namespace xinfer::kernels {

/// As make_matmul, with this micro-kernel; `isa` must include the kernel's.
Result<std::unique_ptr<Convolution>> make_matmul_with(const GemmKernel& kernel,
                                                      const MatmulShape& shape,
                                                      const MatmulArguments& arguments, CpuIsa isa,
                                                      int threads);

}  // namespace xinfer::kernels
