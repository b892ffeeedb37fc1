// The part of validation that concerns plans for CUDA.
#pragma once

#include <cstdint>

#include "engine/engine_generated.h"

namespace xinfer::engine {

/// What is wrong with the plan's compiled kernels; null if nothing is. A plan without kernels is
/// right.
const char* wrong_cuda_kernel(const fb::Plan& plan, std::uint64_t blobs_bytes);

/// What is wrong with a step's reference to kernels, tensors and blobs; null if nothing is.
const char* wrong_cuda_step(const fb::Plan& plan, const fb::Cuda& step, std::uint64_t blobs_bytes);

}  // namespace xinfer::engine
