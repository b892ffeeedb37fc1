// Tensor maps that several wgmma kernels share.
#pragma once

#include "kernels/cuda/conv_layout.h"
#include "kernels/cuda/kernel_spec.h"

namespace xinfer::kernels::cuda {

/// The element type of maps over activations and weights: INT8 counts as bytes.
xinfer::cuda::TensorMapType operand_map_type(DType input);

/// The swizzle for rows of 128, 64 or 32 bytes; none for 16.
xinfer::cuda::TensorMapSwizzle operand_swizzle(int row_bytes);

/// Packed weights of a layer without groups, in boxes of `row_bytes` of K times `rows` rows. What
/// lies outside reads as zero.
TensorMapRecipe weight_map(DType input, const ConvLayout& layout, int row_bytes, int rows);

}  // namespace xinfer::kernels::cuda
