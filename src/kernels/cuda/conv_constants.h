// The part of layer.cuh that all convolution kernels share.
#pragma once

#include "core/status.h"
#include "kernels/cuda/conv_problem.h"
#include "kernels/cuda/layer_source.h"

namespace xinfer::kernels::cuda {

/// Checks the problem's own consistency, whatever the kernel.
Status check_conv_problem(const ConvProblem& problem);

/// Adds the problem's constants (shape, groups, types, epilogue) to `layer`.
Status add_conv_constants(const ConvProblem& problem, const ConvLayout& layout, LayerSource& layer);

/// How the epilogue finds its operands. Above 0, `group_channels` are those of a group: runs also
/// start behind each of them.
EpilogueLayout epilogue_layout(const ConvProblem& problem, std::int64_t group_channels = 0);

/// Channels that the layer writes.
std::int64_t stored_channels(const ConvProblem& problem);

/// 1x1, stride 1, no padding: pixels of input and output correspond.
bool is_pointwise(const ConvShape& shape);

}  // namespace xinfer::kernels::cuda
