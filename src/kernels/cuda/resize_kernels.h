// The CUDA kernel for Resize over height and width.
#pragma once

#include <cstdint>
#include <vector>

#include "core/status.h"
#include "kernels/cuda/kernel_spec.h"
#include "kernels/resize/resize.h"

namespace xinfer::kernels::cuda {

/// One image: [height, width, channels].
struct ResizeProblem {
  ResizeAxis height, width;
  /// Types as kernels/resize/resize.h allows them, and FP16 wherever it has float32.
  ResizeParameters parameters;
  std::int64_t channels = 0;
  std::int64_t x_pixel_stride = 0, y_pixel_stride = 0;
  std::int64_t stored_channels = 0;  ///< 0: channels; those behind them become zeros
};

/// The kernel. Operand::kWeights is resize_table. Refuses tf_crop_and_resize, and
/// tf_half_pixel_for_nn with rounding up.
Result<KernelSpec> resize_kernel(const ResizeProblem& problem);

/// For each axis, height first: input indices [out][taps], weights [out][taps] as float bits.
std::vector<std::uint32_t> resize_table(const ResizeProblem& problem);

}  // namespace xinfer::kernels::cuda
