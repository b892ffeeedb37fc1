// Tensor maps that several wgmma kernels share.
#pragma once

#include "core/status.h"
#include "kernels/cuda/conv_layout.h"
#include "kernels/cuda/conv_problem.h"
#include "kernels/cuda/kernel_spec.h"

namespace xinfer::kernels::cuda {

/// A box has no more elements along any dimension.
inline constexpr std::int64_t kMostBoxExtent = 256;

/// The element type of maps over activations and weights: INT8 counts as bytes.
xinfer::cuda::TensorMapType operand_map_type(DType input);

/// The swizzle for rows of 128, 64 or 32 bytes; none for 16.
xinfer::cuda::TensorMapSwizzle operand_swizzle(int row_bytes);

/// Packed weights of a layer without groups, in boxes of `row_bytes` of K times `rows` rows. What
/// lies outside reads as zero.
TensorMapRecipe weight_map(DType input, const ConvLayout& layout, int row_bytes, int rows);

/// The input of a layer without groups for `rows` output rows of an image, borders included: boxes
/// of `row_bytes` of channels, `pitch` pixels and the rows that the kernel's height adds. Channels
/// beyond the last granule and pixels outside the image read as zero.
TensorMapRecipe halo_map(const ConvProblem& problem, const ConvLayout& layout, int row_bytes,
                         std::int64_t pitch, int rows);

/// Whether the copy engine's im2col mode can read the layer's input: its corners are 8-bit, its
/// strides at most 8.
Status check_im2col(const ConvShape& shape);

/// The input of a layer without groups, `pixels` output pixels of `row_bytes` of channels a copy:
/// as a matrix of pixels for pointwise layers, otherwise by im2col. Channels beyond the last
/// granule and pixels outside the tensor read as zero.
TensorMapRecipe activation_map(const ConvProblem& problem, const ConvLayout& layout, int row_bytes,
                               int pixels, bool im2col);

}  // namespace xinfer::kernels::cuda
