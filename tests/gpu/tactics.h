// Tactics that the checks draw from: every code path of the templates.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/cuda/average_product.h"
#include "kernels/cuda/conv_problem.h"

namespace xinfer::gpu {

/// Kernels of the mma.sync, wgmma, halo, chunked halo or latency template that can compute the
/// problem.
std::vector<kernels::cuda::KernelSpec> mma_variants(const kernels::cuda::ConvProblem& problem);
std::vector<kernels::cuda::KernelSpec> wgmma_variants(const kernels::cuda::ConvProblem& problem);
std::vector<kernels::cuda::KernelSpec> halo_variants(const kernels::cuda::ConvProblem& problem);
std::vector<kernels::cuda::KernelSpec> halo_chunks_variants(
    const kernels::cuda::ConvProblem& problem);

std::vector<kernels::cuda::KernelSpec> latency_variants(const kernels::cuda::ConvProblem& problem);

std::vector<kernels::cuda::KernelSpec> average_product_variants(
    const kernels::cuda::AverageProductProblem& problem);

}  // namespace xinfer::gpu
