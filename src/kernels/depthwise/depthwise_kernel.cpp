// The list of depthwise micro-kernels and the choice among them.
#include "kernels/depthwise/depthwise_kernel.h"

namespace xinfer::kernels {

#define XINFER_DEPTHWISE_KERNEL(function, isa, is_float32, finishes_itself) \
  void function(const DepthwiseCall& call);
#include "kernels/depthwise/variants.inc"
#undef XINFER_DEPTHWISE_KERNEL

namespace {

constexpr DepthwiseKernel kKernels[] = {
#define XINFER_DEPTHWISE_KERNEL(function, isa, is_float32, finishes_itself) \
  {#function, CpuIsa::isa, is_float32, finishes_itself, function},
#include "kernels/depthwise/variants.inc"
#undef XINFER_DEPTHWISE_KERNEL
};

}  // namespace

std::span<const DepthwiseKernel> depthwise_kernels() { return kKernels; }

const DepthwiseKernel& select_depthwise_kernel(bool float32, CpuIsa isa) {
  const DepthwiseKernel* best = nullptr;
  for (const DepthwiseKernel& kernel : kKernels) {
    if (kernel.float32 == float32 && includes(isa, kernel.isa)) best = &kernel;
  }
  return *best;
}

int depthwise_rows_at_once(const ConvShape& s, ConvType type) {
  if (type == ConvType::kF32 || s.dilation_h != 1) return 1;
  if (s.kernel_h == 3 && s.stride_h == 1) return 4;
  if (s.kernel_h == 3 && s.stride_h == 2) return 2;
  if (s.kernel_h == 5 && s.stride_h == 1) return 4;
  if (s.kernel_h == 5 && s.stride_h == 2) return 2;
  return 1;
}

}  // namespace xinfer::kernels
