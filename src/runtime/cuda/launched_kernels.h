// Which kernels the launches of a plan run at bound dimensions, and which tensors they make.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/engine_file.h"

namespace xinfer::runtime {

/// The kernel of a launch, or kNoKernel: the first variant that reaches the batch, else the last.
/// `dims`: values of Plan.dims.
unsigned chosen_kernel(const engine::fb::Cuda& launch, std::span<const std::int64_t> dims);

/// For every step, the tensors that have got all their values once its launch is over: a
/// concatenation, which several steps write, behind the last of them. What a launch that is left
/// out would write comes from the launch that does its work, if that one's kernel takes it as its
/// input, between its two halves; else it is never made.
std::vector<std::vector<unsigned>> tensors_made(const engine::fb::Plan& plan,
                                                std::span<const std::int64_t> dims);

}  // namespace xinfer::runtime
