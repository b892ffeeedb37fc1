// The CUDA kernel that makes u8 images what the first layers read.
#pragma once

#include <cstdint>

#include "core/status.h"
#include "kernels/cuda/kernel_spec.h"
#include "xinfer/core/dtype.h"

namespace xinfer::kernels::cuda {

/// As convert_image (kernels/quantize/quantize.h): Operand::kInput is u8 [in_h, in_w, channels],
/// dense; kInput2 the tables, [channels][256] of table_dtype; kOutput [in_h, in_w] pixels of
/// y_pixel_stride elements.
struct ImageProblem {
  std::int64_t in_h = 1, in_w = 1, channels = 3;
  DType output = DType::kInt8;
  std::int64_t y_pixel_stride = 3;
  std::int64_t stored_channels = 3;  ///< of a pixel; behind its channels they are zeros
  /// Above 1: the output has ceil(in_h / block) x ceil(in_w / block) pixels of
  /// block * block * channels channels.
  std::int64_t space_to_depth = 1;
};

/// Type of the tables for an output: bytes for INT8, float32 for FP16 too.
DType image_table_type(DType output);

Result<KernelSpec> image_kernel(const ImageProblem& problem);

}  // namespace xinfer::kernels::cuda
