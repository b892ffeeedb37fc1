// What the cases of convolutions and products share.
#pragma once

#include <cstdint>
#include <vector>

#include "gpu_case.h"
#include "random_conv.h"

namespace xinfer::gpu {

/// The layer on one of the kernels, which hold weights as conv_layout.h says. It must give what
/// reference_output gives.
GpuCase gemm_case(const RandomConv& conv, std::vector<kernels::cuda::KernelSpec> specs,
                  std::uint64_t seed);

/// Turns an INT8 layer into a float one of the same shape.
void make_float(RandomConv& conv, DType dtype, std::uint64_t seed);

/// What an FP16 layer must give, with bounds.
Expected half_reference(const RandomConv& conv);

}  // namespace xinfer::gpu
