// CUDA kernels for INT8 and FP16 depthwise convolution.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/status.h"
#include "kernels/cuda/conv_problem.h"
#include "kernels/cuda/kernel_spec.h"

namespace xinfer::kernels::cuda {

/// True for INT8 and FP16 layers with one input and one output channel a group.
bool is_depthwise(const ConvProblem& problem);

/// Output pixels of a row that one thread computes.
struct DepthwiseTactic {
  int columns = 4;
};

Result<KernelSpec> depthwise_kernel(const ConvProblem& problem, const DepthwiseTactic& tactic);

/// The tactic expected to be fastest at this batch.
DepthwiseTactic choose_depthwise(const ConvProblem& problem, std::int64_t batch,
                                 int multiprocessors);

/// Channels of the packed weights, multiplier and bias: a multiple of 16.
std::int64_t depthwise_pitch(const ConvShape& shape);

/// Packs weights [channels, kernel_h, kernel_w] to [taps][depthwise_pitch], zeros behind the last
/// channel. Elements of `element_bytes`.
void pack_depthwise_weights(const ConvShape& shape, const void* weights, void* packed,
                            int element_bytes);

}  // namespace xinfer::kernels::cuda
