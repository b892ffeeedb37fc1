// What drivers of convolutions share: checks, the store, and making one with a chosen micro-kernel,
// for tactics, tests and benches.
#pragma once

#include "kernels/conv/accumulator_store.h"
#include "kernels/conv/gemm_kernel.h"
#include "kernels/conv/tactic.h"

namespace xinfer::kernels {

/// As make_convolution, with this micro-kernel, which must outlive the convolution; `isa` must
/// include the kernel's.
Result<std::unique_ptr<Convolution>> make_convolution_with(const GemmKernel& kernel,
                                                           const ConvShape& shape,
                                                           const ConvArguments& arguments,
                                                           CpuIsa isa, int threads,
                                                           const ConvTactic* tactic = nullptr);

/// How the accumulators of such a layer are stored to its y.
Result<StorePlan> store_plan_of(const ConvShape& shape, ConvType type,
                                const ConvArguments& arguments, CpuIsa isa);

/// Sizes, strides and groups that make sense together, or what does not.
Status check_conv_shape(const ConvShape& shape);

}  // namespace xinfer::kernels
