// A first layer's strided convolution of few channels as a convolution with stride 1 of
// stride * stride times as many: [H, W, C] becomes [H / stride, W / stride, stride * stride * C], a
// kernel of 7 x 7 with stride 2 one of 4 x 4. Few-channel pixels then fill whole granules.
#pragma once

#include <cstdint>

#include "kernels/conv/conv.h"

namespace xinfer::kernels::cuda {

/// Whether the rearranged layer exists and is worth it: equal strides in both directions, no
/// dilation, no groups, and at most 16 channels afterwards; or patches side by side (as in a vision
/// transformer), which become pixels of a 1 x 1 convolution.
bool can_use_space_to_depth(const ConvShape& shape);

/// The rearranged layer. Its pixel strides are its channels rounded up to 16 (input) and unchanged
/// (output). ConvertProblem::space_to_depth = stride makes its input.
ConvShape space_to_depth_shape(const ConvShape& shape);

/// Weights [out_channels, kernel_h, kernel_w, in_channels] to those of the rearranged layer; taps
/// that do not exist in the original become zero. Elements of `element_bytes`.
void space_to_depth_weights(const ConvShape& shape, const void* weights, void* rearranged,
                            int element_bytes);

}  // namespace xinfer::kernels::cuda
