// Layers that stay float (float32 or FP16) and look at rows: softmax, layer normalisation.
#include "kernels/cuda/row_kernels.h"
#include "lower/cuda/cuda_lowering.h"

namespace xinfer::lower {
namespace {

using kernels::cuda::Operand;
using kernels::cuda::RowProblem;

Status check_float(const CudaTensor& tensor) {
  if (tensor.is_float()) return {};
  return unsupported("{} has no CUDA kernel here; supported: float32, float16",
                     to_string(tensor.dtype));
}

/// Rows of the last axis of x, which `axis` (of the whole tensor) must be.
Result<RowProblem> row_problem(const CudaTensor& x, const CudaTensor& y, std::uint32_t axis) {
  XINFER_RETURN_IF_ERROR(check_float(x));
  if (axis != x.dims.size() || axis == 0) {
    return unsupported("normalising axis {} of {}; supported: the last", axis, x.dims.size() + 1);
  }
  return RowProblem{.rows = x.pixels(),
                    .length = x.channels(),
                    .x_pitch = x.pitch,
                    .y_pitch = y.pitch,
                    .input = x.dtype,
                    .output = y.dtype,
                    .y_scale = y.is_int8() ? y.scale : 1.0f};
}

}  // namespace

Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::SoftmaxT& softmax) {
  XINFER_ASSIGN_OR_RETURN(const CudaTensor x, cuda.tensor(step.inputs[0]));
  XINFER_ASSIGN_OR_RETURN(const CudaTensor y, cuda.tensor(step.outputs[0]));
  XINFER_ASSIGN_OR_RETURN(const RowProblem problem, row_problem(x, y, softmax.axis));
  CudaLaunch launch;
  launch.batch = y.batch;
  cuda.read(launch, Operand::kInput, x.id);
  cuda.write(launch, Operand::kOutput, y.id);
  XINFER_ASSIGN_OR_RETURN(auto spec, kernels::cuda::softmax_kernel(problem, softmax.log));
  return cuda.emit(step, std::move(launch), std::move(spec));
}

Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::LayerNormT& norm) {
  XINFER_ASSIGN_OR_RETURN(const CudaTensor x, cuda.tensor(step.inputs[0]));
  XINFER_ASSIGN_OR_RETURN(const CudaTensor y, cuda.tensor(step.outputs[0]));
  XINFER_ASSIGN_OR_RETURN(const RowProblem problem, row_problem(x, y, norm.axis));
  CudaLaunch launch;
  launch.batch = y.batch;
  cuda.read(launch, Operand::kInput, x.id);
  const TensorId scale = step.inputs[1], bias = step.inputs[2];
  if (scale != kNoTensor) cuda.read(launch, Operand::kMultiplier, scale);
  if (bias != kNoTensor) cuda.read(launch, Operand::kBias, bias);
  cuda.write(launch, Operand::kOutput, y.id);
  const auto is_fixed = [&](TensorId id) { return id == kNoTensor || cuda.is_constant(id); };
  const kernels::cuda::LayerNormProblem layer{problem, norm.epsilon, scale != kNoTensor,
                                              bias != kNoTensor, is_fixed(scale) && is_fixed(bias)};
  for (const std::int64_t batch : cuda.batch_points(launch.batch)) {
    XINFER_ASSIGN_OR_RETURN(auto candidates, kernels::cuda::layer_norm_candidates(
                                                 layer, batch, cuda.target().multiprocessors));
    launch.points.push_back({batch, std::move(candidates)});
  }
  return cuda.emit(step, std::move(launch));
}

}  // namespace xinfer::lower
