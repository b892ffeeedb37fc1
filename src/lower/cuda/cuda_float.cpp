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

/// Rows of `length` neighbours of x and y, which lie `pitch` apart.
Result<RowProblem> row_problem(const CudaTensor& x, const CudaTensor& y) {
  XINFER_RETURN_IF_ERROR(check_float(x));
  return RowProblem{.rows = x.pixels(),
                    .length = x.channels(),
                    .x_pitch = x.pitch,
                    .y_pitch = y.pitch,
                    .input = x.dtype,
                    .output = y.dtype,
                    .y_scale = y.is_int8() ? y.scale : 1.0f};
}

/// The axes from `first` on as one.
CudaTensor with_joined_axes(CudaTensor x, std::size_t first) {
  while (x.dims.size() > first + 1) {
    const std::int64_t last = x.dims.back();
    x.dims.pop_back();
    x.dims.back() *= last;
    x.pitch = x.dims.back();
  }
  return x;
}

/// Softmax of the rows of the last axis.
Status emit_softmax(CudaLowering& cuda, const fb::StepT& step, const CudaTensor& x,
                    const CudaTensor& y, bool log) {
  XINFER_ASSIGN_OR_RETURN(const RowProblem problem, row_problem(x, y));
  CudaLaunch launch;
  launch.batch = y.batch;
  cuda.read(launch, Operand::kInput, x.id);
  cuda.write(launch, Operand::kOutput, y.id);
  XINFER_ASSIGN_OR_RETURN(auto spec, kernels::cuda::softmax_kernel(problem, log));
  return cuda.emit(step, std::move(launch), std::move(spec));
}

/// x with its axis moved to the end, and back: what permutes it so, and what permutes that to x.
struct AxisLast {
  std::vector<std::size_t> there, back;
  std::vector<std::int64_t> dims;

  AxisLast(const CudaTensor& x, std::size_t axis) : back(x.dims.size()) {
    for (std::size_t i = 0; i < x.dims.size(); ++i) {
      if (i != axis) there.push_back(i);
    }
    there.push_back(axis);
    for (std::size_t i = 0; i < there.size(); ++i) {
      back[there[i]] = i;
      dims.push_back(x.dims[there[i]]);
    }
  }
};

}  // namespace

Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::SoftmaxT& softmax) {
  XINFER_ASSIGN_OR_RETURN(CudaTensor x, cuda.tensor(step.inputs[0]));
  XINFER_ASSIGN_OR_RETURN(CudaTensor y, cuda.tensor(step.outputs[0]));
  if (softmax.axis == 0) {
    XINFER_ASSIGN_OR_RETURN(x, one_image(x));
    XINFER_ASSIGN_OR_RETURN(y, one_image(y));
  }
  const std::size_t axis = softmax.axis == 0 ? 0 : softmax.axis - 1;
  if (axis + 1 == x.dims.size()) return emit_softmax(cuda, step, x, y, softmax.log);
  const AxisLast moved(x, axis);
  XINFER_ASSIGN_OR_RETURN(const CudaTensor rows,
                          cuda.add_tensor(x.dtype, x.scale, x.batch, moved.dims));
  XINFER_ASSIGN_OR_RETURN(const CudaTensor normal,
                          cuda.add_tensor(y.dtype, y.scale, y.batch, moved.dims));
  XINFER_RETURN_IF_ERROR(
      emit_transpose(cuda, step, step.name + " axis last", x, rows, moved.there));
  XINFER_RETURN_IF_ERROR(emit_softmax(cuda, step, rows, normal, softmax.log));
  return emit_transpose(cuda, step, step.name + " axis back", normal, y, moved.back);
}

Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::LayerNormT& norm) {
  XINFER_ASSIGN_OR_RETURN(const CudaTensor source, cuda.tensor(step.inputs[0]));
  XINFER_ASSIGN_OR_RETURN(const CudaTensor result, cuda.tensor(step.outputs[0]));
  CudaTensor x = source, y = result;
  if (norm.axis < x.dims.size()) {  // several axes: rows without gaps
    XINFER_ASSIGN_OR_RETURN(x, cuda.dense_tensor(source, step));
    XINFER_ASSIGN_OR_RETURN(y, cuda.unpadded(result));
  }
  const CudaTensor written = y;
  if (norm.axis == 0) {
    XINFER_ASSIGN_OR_RETURN(x, one_image(x));
    XINFER_ASSIGN_OR_RETURN(y, one_image(y));
  }
  const std::size_t axis = norm.axis == 0 ? 0 : norm.axis - 1;
  XINFER_ASSIGN_OR_RETURN(const RowProblem problem,
                          row_problem(with_joined_axes(x, axis), with_joined_axes(y, axis)));
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
  XINFER_RETURN_IF_ERROR(cuda.emit(step, std::move(launch)));
  return cuda.pad_rows(step, written, result);
}

}  // namespace xinfer::lower
