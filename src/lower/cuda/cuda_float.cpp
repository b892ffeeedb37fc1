// Layers that stay float (float32 or FP16): functions of elements, softmax, layer normalisation.
#include "kernels/cuda/elementwise_kernels.h"
#include "kernels/cuda/row_kernels.h"
#include "lower/cuda/cuda_lowering.h"

namespace xinfer::lower {
namespace {

using kernels::cuda::ElementwiseProblem;
using kernels::cuda::Operand;
using kernels::cuda::RowProblem;

Status check_float(const CudaTensor& tensor) {
  if (tensor.is_float()) return {};
  return unsupported("{} has no CUDA kernel here; supported: float32, float16",
                     to_string(tensor.dtype));
}

/// Elements from one position of axis i to the next; 0 where x is broadcast to y.
std::int64_t broadcast_stride(const CudaTensor& x, const CudaTensor& y, std::size_t i) {
  return x.dims[i] == 1 && y.dims[i] != 1 ? 0 : x.stride(i);
}

Result<std::int64_t> image_stride(const CudaTensor& x, const CudaTensor& y) {
  if (x.batch == y.batch) return x.image_stride();
  if (x.batch == ir::Dim(1)) return std::int64_t{0};
  return unsupported("operands with different batches");
}

/// y = expression(a, b) with broadcasting; b may be absent.
Status emit_elementwise(CudaLowering& cuda, const fb::StepT& step, const std::string& name,
                        const std::string& expression) {
  XINFER_ASSIGN_OR_RETURN(const CudaTensor y, cuda.tensor(step.outputs[0]));
  XINFER_ASSIGN_OR_RETURN(const CudaTensor a, cuda.tensor(step.inputs[0]));
  const bool has_b = step.inputs.size() > 1;
  XINFER_ASSIGN_OR_RETURN(const CudaTensor b, cuda.tensor(step.inputs[has_b ? 1 : 0]));
  for (const CudaTensor* tensor : {&a, &b, &y}) XINFER_RETURN_IF_ERROR(check_float(*tensor));
  ElementwiseProblem problem;
  problem.has_b = has_b;
  problem.a_dtype = a.dtype;
  problem.b_dtype = b.dtype;
  problem.y_dtype = y.dtype;
  problem.expression = expression;
  problem.padding = y.pitch - y.channels();
  XINFER_ASSIGN_OR_RETURN(problem.a_image_stride, image_stride(a, y));
  XINFER_ASSIGN_OR_RETURN(problem.b_image_stride, image_stride(b, y));
  problem.y_image_stride = y.image_stride();
  for (std::size_t i = 0; i < y.dims.size(); ++i) {
    problem.axes.push_back(
        {y.dims[i], broadcast_stride(a, y, i), broadcast_stride(b, y, i), y.stride(i)});
  }
  CudaLaunch launch;
  launch.batch = y.batch;
  cuda.read(launch, Operand::kInput, a.id);
  if (has_b) cuda.read(launch, Operand::kInput2, b.id);
  cuda.write(launch, Operand::kOutput, y.id);
  XINFER_ASSIGN_OR_RETURN(auto spec, kernels::cuda::elementwise_kernel(problem, name));
  return cuda.emit(step, std::move(launch), std::move(spec));
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

Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::UnaryT& unary) {
  XINFER_ASSIGN_OR_RETURN(
      const std::string expression,
      kernels::cuda::unary_expression(static_cast<kernels::Unary>(unary.function), unary.alpha,
                                      unary.beta, "a"));
  return emit_elementwise(cuda, step, "unary", expression);
}

Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::ClipT& clip) {
  return emit_elementwise(cuda, step, "clip",
                          kernels::cuda::clip_expression(static_cast<float>(clip.low),
                                                         static_cast<float>(clip.high), "a"));
}

Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::BinaryT& binary) {
  XINFER_ASSIGN_OR_RETURN(
      std::string expression,
      kernels::cuda::binary_expression(static_cast<kernels::Binary>(binary.function), "a", "b"));
  if (binary.clip) {
    expression = kernels::cuda::clip_expression(static_cast<float>(binary.low),
                                                static_cast<float>(binary.high), expression);
  }
  return emit_elementwise(cuda, step, "binary", expression);
}

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
