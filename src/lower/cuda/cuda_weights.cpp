#include "lower/cuda/cuda_weights.h"

#include "kernels/cuda/conv_layout.h"
#include "kernels/cuda/space_to_depth.h"
#include "kernels/elementwise/half.h"

namespace xinfer::lower {

using kernels::cuda::Operand;

kernels::cuda::ConvTarget conv_target(const CudaLowering& cuda) {
  return {cuda.target().capability, cuda.target().multiprocessors, cuda.target().use_wgmma};
}

Result<DType> product_type(const CudaLowering& cuda, const fb::StepT& step, TensorId input) {
  XINFER_ASSIGN_OR_RETURN(const CudaTensor x, cuda.tensor(input));
  if (x.is_int8()) return x.dtype;
  return cuda.is_half(step) ? DType::kFloat16 : DType::kFloat32;
}

std::vector<std::byte> weights_of_type(std::span<const std::byte> rows, DType input) {
  if (input != DType::kFloat16) return {rows.begin(), rows.end()};
  const auto* from = reinterpret_cast<const float*>(rows.data());
  std::vector<std::byte> halves(rows.size() / 2);
  auto* to = reinterpret_cast<kernels::Float16*>(halves.data());
  for (std::size_t i = 0; i < rows.size() / sizeof(float); ++i) to[i] = kernels::Float16(from[i]);
  return halves;
}

std::vector<std::byte> blocked_weights(const kernels::ConvShape& shape,
                                       std::span<const std::byte> weights, DType type) {
  const kernels::ConvShape moved = kernels::cuda::space_to_depth_shape(shape);
  std::vector<std::byte> blocked(static_cast<std::size_t>(moved.out_channels * moved.kernel_h *
                                                          moved.kernel_w * moved.in_channels) *
                                 size_of(type));
  kernels::cuda::space_to_depth_weights(shape, weights.data(), blocked.data(),
                                        static_cast<int>(size_of(type)));
  return blocked;
}

void use_tables(CudaLowering& cuda, const fb::EpilogueT& epilogue, bool scaled,
                std::int64_t out_channels, const SpreadTable& spread, CudaLaunch& launch) {
  if (scaled) {
    cuda.use(launch, Operand::kMultiplier,
             cuda.blobs().add(
                 std::span<const float>(spread(cuda.values_of<float>(epilogue.multiplier)))));
  }
  const std::vector<float> zeros(static_cast<std::size_t>(out_channels), 0.0f);
  const std::span<const float> bias = epilogue.bias.size() == 0
                                          ? std::span<const float>(zeros)
                                          : cuda.values_of<float>(epilogue.bias);
  cuda.use(launch, Operand::kBias, cuda.blobs().add(std::span<const float>(spread(bias))));
}

void use_gemm_weights(CudaLowering& cuda, const kernels::cuda::ConvProblem& problem,
                      const fb::EpilogueT& epilogue, std::span<const std::byte> weights,
                      CudaLaunch& launch) {
  const auto layout = kernels::cuda::conv_layout(problem.shape, problem.input);
  std::vector<std::byte> packed(layout.weight_bytes());
  kernels::cuda::pack_conv_weights(problem.shape, layout, weights.data(), packed.data());
  cuda.use(launch, Operand::kWeights, cuda.blobs().add(std::span<const std::byte>(packed)));
  const auto spread = [&](std::span<const float> values) {
    std::vector<float> table(static_cast<std::size_t>(layout.table_length()));
    kernels::cuda::pack_conv_table(layout, values, table.data());
    return table;
  };
  use_tables(cuda, epilogue, problem.epilogue.multiplier != nullptr, problem.shape.out_channels,
             spread, launch);
}

}  // namespace xinfer::lower
