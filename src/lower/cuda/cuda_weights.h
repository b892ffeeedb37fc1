// What the lowerings of convolutions and products share: their types, and their weights and tables
// as the CUDA kernels hold them.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "kernels/cuda/conv_problem.h"
#include "lower/cuda/cuda_lowering.h"

namespace xinfer::lower {

/// What an epilogue's pointer is where a kernel needs it; never read at build time.
inline constexpr float kPresent = 1.0f;

/// What the cost models of convolutions know about the target.
kernels::cuda::ConvTarget conv_target(const CudaLowering& cuda);

/// The type that the step multiplies.
Result<DType> product_type(const CudaLowering& cuda, const fb::StepT& step, TensorId input);

/// The weights as elements of the type that the layer multiplies: float rows become FP16.
std::vector<std::byte> weights_of_type(std::span<const std::byte> rows, DType input);

/// The weights of a layer after space_to_depth_shape, of `type`.
std::vector<std::byte> blocked_weights(const kernels::ConvShape& shape,
                                       std::span<const std::byte> weights, DType type);

/// Adds the epilogue's multipliers (if the accumulators are scaled) and biases to the launch,
/// spread from channels to the rows of the kernel's weights.
using SpreadTable = std::function<std::vector<float>(std::span<const float>)>;
void use_tables(CudaLowering& cuda, const fb::EpilogueT& epilogue, bool scaled,
                std::int64_t out_channels, const SpreadTable& spread, CudaLaunch& launch);

/// Adds the weights and tables of a layer in the layout of the implicit GEMM kernels.
void use_gemm_weights(CudaLowering& cuda, const kernels::cuda::ConvProblem& problem,
                      const fb::EpilogueT& epilogue, std::span<const std::byte> weights,
                      CudaLaunch& launch);

}  // namespace xinfer::lower
