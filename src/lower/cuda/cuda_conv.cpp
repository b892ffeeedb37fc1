// Convolutions and products with constant weights: packed as the CUDA kernels hold them.
#include <algorithm>

#include "kernels/cuda/conv_problem.h"
#include "kernels/cuda/depthwise_kernels.h"
#include "kernels/cuda/space_to_depth.h"
#include "lower/cuda/cuda_weights.h"

namespace xinfer::lower {
namespace {

using kernels::ConvShape;
using kernels::cuda::ConvProblem;
using kernels::cuda::KernelSpec;
using kernels::cuda::Operand;

/// Packs for the implicit GEMM kernels; candidates for every batch point.
Status choose_gemm(CudaLowering& cuda, const ConvProblem& problem, const fb::EpilogueT& epilogue,
                   std::span<const std::byte> weights, CudaLaunch& launch) {
  use_gemm_weights(cuda, problem, epilogue, weights, launch);
  const kernels::cuda::ConvTarget target = conv_target(cuda);
  for (const std::int64_t batch : cuda.batch_points(launch.batch)) {
    XINFER_ASSIGN_OR_RETURN(
        auto candidates,
        kernels::cuda::conv_candidates(problem, target, batch, cuda.target().most_candidates));
    launch.points.push_back({batch, std::move(candidates)});
  }
  return {};
}

/// Packs for the depthwise kernel.
Status choose_depthwise(CudaLowering& cuda, const ConvProblem& problem,
                        const fb::EpilogueT& epilogue, std::span<const std::byte> weights,
                        CudaLaunch& launch) {
  const std::int64_t pitch = kernels::cuda::depthwise_pitch(problem.shape);
  const std::size_t element = size_of(problem.input);
  std::vector<std::byte> packed(
      static_cast<std::size_t>(problem.shape.kernel_h * problem.shape.kernel_w * pitch) * element);
  kernels::cuda::pack_depthwise_weights(problem.shape, weights.data(), packed.data(),
                                        static_cast<int>(element));
  cuda.use(launch, Operand::kWeights, cuda.blobs().add(std::span<const std::byte>(packed)));
  const auto spread = [&](std::span<const float> values) {
    std::vector<float> table(static_cast<std::size_t>(pitch), 0.0f);
    std::copy(values.begin(), values.end(), table.begin());
    return table;
  };
  use_tables(cuda, epilogue, problem.epilogue.multiplier != nullptr, problem.shape.out_channels,
             spread, launch);
  for (const std::int64_t batch : cuda.batch_points(launch.batch)) {
    const auto tactic =
        kernels::cuda::choose_depthwise(problem, batch, cuda.target().multiprocessors);
    XINFER_ASSIGN_OR_RETURN(KernelSpec spec, kernels::cuda::depthwise_kernel(problem, tactic));
    launch.points.push_back({batch, {std::move(spec)}});
  }
  return {};
}

/// `shape` but for the tensors' part of it, then the launch. `weights`: of the type that the
/// step multiplies.
Status lower_conv(CudaLowering& cuda, const fb::StepT& step, ConvShape shape,
                  std::span<const std::byte> weights, const fb::EpilogueT& epilogue,
                  TensorId input) {
  XINFER_ASSIGN_OR_RETURN(const DType type, product_type(cuda, step, input));
  XINFER_ASSIGN_OR_RETURN(const CudaTensor x, cuda.aligned_tensor(input, type, step));
  XINFER_ASSIGN_OR_RETURN(const CudaTensor y, cuda.tensor(step.outputs[0]));
  shape.x_pixel_stride = x.pitch;
  shape.y_pixel_stride = y.pitch;
  CudaLaunch launch;
  launch.batch = y.batch;
  cuda.read(launch, Operand::kInput, x.id);
  ConvProblem problem;
  problem.shape = shape;
  problem.input = x.dtype;
  problem.stored_channels = y.own_channels();
  problem.epilogue.output_dtype = y.dtype;
  problem.epilogue.multiplier = x.is_int8() ? &kPresent : nullptr;
  problem.epilogue.bias = &kPresent;
  for (const auto& part : epilogue.steps) {
    XINFER_RETURN_IF_ERROR(add_epilogue_step(cuda, step, *part, launch, problem.epilogue));
  }
  cuda.write(launch, Operand::kOutput, y.id);
  XINFER_RETURN_IF_ERROR(kernels::cuda::is_depthwise(problem)
                             ? choose_depthwise(cuda, problem, epilogue, weights, launch)
                             : choose_gemm(cuda, problem, epilogue, weights, launch));
  offer_average_product(cuda, step, problem, launch);
  XINFER_RETURN_IF_ERROR(offer_inverted_residual(cuda, step, problem, launch));
  if (!kernels::cuda::is_depthwise(problem)) {
    offer_chain(cuda, problem, launch);
    remember_product(cuda, problem, launch);
  }
  return cuda.emit(step, std::move(launch));
}

}  // namespace

kernels::ConvShape conv_shape(const fb::ConvT& conv, const CudaTensor& x, const CudaTensor& y) {
  const std::size_t spatial = conv.kernel.size();
  const auto vertical = [&](const std::vector<std::int64_t>& list, std::int64_t absent) {
    return spatial == 2 ? list[0] : absent;
  };
  ConvShape shape;
  shape.in_h = vertical(x.dims, 1);
  shape.in_w = x.dims[spatial - 1];
  shape.out_h = vertical(y.dims, 1);
  shape.out_w = y.dims[spatial - 1];
  shape.in_channels = conv.in_channels;
  shape.out_channels = conv.out_channels;
  shape.groups = conv.groups;
  shape.kernel_h = vertical(conv.kernel, 1);
  shape.kernel_w = conv.kernel.back();
  shape.stride_h = vertical(conv.strides, 1);
  shape.stride_w = conv.strides.back();
  shape.dilation_h = vertical(conv.dilations, 1);
  shape.dilation_w = conv.dilations.back();
  shape.pad_top = vertical(conv.pads_begin, 0);
  shape.pad_left = conv.pads_begin.back();
  return shape;
}

Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::ConvT& conv) {
  XINFER_ASSIGN_OR_RETURN(const CudaTensor x, cuda.tensor(step.inputs[0]));
  XINFER_ASSIGN_OR_RETURN(const CudaTensor y, cuda.tensor(step.outputs[0]));
  const ConvShape shape = conv_shape(conv, x, y);
  XINFER_ASSIGN_OR_RETURN(const DType type, product_type(cuda, step, x.id));
  const std::vector<std::byte> weights = weights_of_type(cuda.rows_of(conv.weights), type);
  if (cuda.stem_block(x.id) == 1) {
    return lower_conv(cuda, step, shape, weights, *conv.epilogue, x.id);
  }
  return lower_conv(cuda, step, kernels::cuda::space_to_depth_shape(shape),
                    blocked_weights(shape, weights, type), *conv.epilogue, cuda.rearranged(x.id));
}

Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::GemmT& gemm) {
  XINFER_ASSIGN_OR_RETURN(const CudaTensor x, cuda.tensor(step.inputs[0]));
  ConvShape shape;
  shape.in_w = shape.out_w = x.pixels();
  shape.in_channels = gemm.k;
  shape.out_channels = gemm.n;
  XINFER_ASSIGN_OR_RETURN(const DType type, product_type(cuda, step, x.id));
  return lower_conv(cuda, step, shape, weights_of_type(cuda.rows_of(gemm.weights), type),
                    *gemm.epilogue, x.id);
}

}  // namespace xinfer::lower
