// Functions of elements, and concatenation as one: generated kernels.
#include <algorithm>

#include "kernels/cuda/elementwise_kernels.h"
#include "lower/cuda/cuda_fusions.h"

namespace xinfer::lower {
namespace {

using kernels::cuda::ElementwiseProblem;
using kernels::cuda::kMostElementwiseOperands;

/// Elements from one position of axis i to the next; 0 where x is broadcast to y.
std::int64_t broadcast_stride(const CudaTensor& x, const CudaTensor& y, std::size_t i) {
  return x.dims[i] == 1 && y.dims[i] != 1 ? 0 : x.stride(i);
}

/// The axes of y, without operands.
ElementwiseProblem problem_of(const CudaTensor& y) {
  ElementwiseProblem problem;
  problem.y_dtype = y.dtype;
  problem.y_image_stride = y.image_stride();
  problem.padding = y.is_slice ? 0 : y.pitch - y.channels();
  for (std::size_t i = 0; i < y.dims.size(); ++i) {
    problem.axes.push_back({y.dims[i], {}, y.stride(i)});
  }
  return problem;
}

/// Lets the launch read x as the problem's next operand, broadcast to y.
Status add_operand(CudaLowering& cuda, const CudaTensor& x, const CudaTensor& y,
                   ElementwiseProblem& problem, CudaLaunch& launch) {
  const std::size_t index = problem.operands.size();
  XINFER_ASSIGN_OR_RETURN(const std::int64_t stride, image_stride(x, y));
  problem.operands.push_back({x.dtype, stride});
  for (std::size_t i = 0; i < y.dims.size(); ++i) {
    problem.axes[i].strides[index] = broadcast_stride(x, y, i);
  }
  cuda.read(launch, kernels::cuda::elementwise_operand(index), x.id);
  return Status();
}

Status emit(CudaLowering& cuda, const fb::StepT& step, ElementwiseProblem problem,
            CudaLaunch launch, const char* name) {
  cuda.write(launch, kernels::cuda::Operand::kOutput, step.outputs[0]);
  XINFER_ASSIGN_OR_RETURN(auto spec, kernels::cuda::elementwise_kernel(std::move(problem), name));
  return cuda.emit(step, std::move(launch), std::move(spec));
}

/// INT8 with a scale has tables and sums of its own.
Status check_plain(const CudaTensor& tensor) {
  if (!tensor.is_quantized()) return {};
  return unsupported("quantised {} has no CUDA kernel here; supported: numbers without a scale",
                     to_string(tensor.dtype));
}

/// y = expression of the step's inputs, with broadcasting.
Status emit_function(CudaLowering& cuda, const fb::StepT& step, const char* name,
                     const std::string& expression) {
  XINFER_ASSIGN_OR_RETURN(const CudaTensor y, cuda.tensor(step.outputs[0]));
  XINFER_RETURN_IF_ERROR(check_plain(y));
  ElementwiseProblem problem = problem_of(y);
  problem.expression = expression;
  CudaLaunch launch;
  launch.batch = y.batch;
  for (const TensorId input : step.inputs) {
    XINFER_ASSIGN_OR_RETURN(const CudaTensor x, cuda.tensor(input));
    XINFER_RETURN_IF_ERROR(check_plain(x));
    XINFER_RETURN_IF_ERROR(add_operand(cuda, x, y, problem, launch));
  }
  return emit(cuda, step, std::move(problem), std::move(launch), name);
}

Result<std::string> expression_of(const fb::BinaryT& binary, DType dtype, const char* a,
                                  const char* b) {
  XINFER_ASSIGN_OR_RETURN(
      std::string expression,
      kernels::cuda::binary_expression(static_cast<kernels::Binary>(binary.function), a, b, dtype));
  if (!binary.clip) return expression;
  return kernels::cuda::clip_expression(binary.low, binary.high, expression, dtype);
}

/// Adds the parts of a concatenation as the problem's operands, each in its range of the axis;
/// returns the expression of the joined element.
Result<std::string> join_parts(CudaLowering& cuda, const fb::StepT& step, const CudaTensor& y,
                               ElementwiseProblem& problem, CudaLaunch& launch) {
  const std::size_t axis = step.params.AsConcat()->axis - 1;
  problem.range_axis = static_cast<int>(axis);
  std::int64_t position = 0;
  std::string expression;
  for (std::size_t i = 0; i < step.inputs.size(); ++i) {
    XINFER_ASSIGN_OR_RETURN(const CudaTensor x, cuda.tensor(step.inputs[i]));
    XINFER_RETURN_IF_ERROR(add_operand(cuda, x, y, problem, launch));
    // A part of one position is no broadcast operand here.
    problem.axes[axis].strides[i] = x.stride(axis);
    problem.operands[i].begin = position;
    problem.operands[i].end = position += x.dims[axis];
    const auto letter = static_cast<char>('a' + i);
    const bool last = i + 1 == step.inputs.size();
    expression +=
        last ? fmt::format("{}", letter) : fmt::format("place.inside[{}] ? {} : ", i, letter);
  }
  return "(" + expression + ")";
}

}  // namespace

Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::UnaryT& unary) {
  XINFER_ASSIGN_OR_RETURN(const CudaTensor x, cuda.tensor(step.inputs[0]));
  XINFER_ASSIGN_OR_RETURN(
      const std::string expression,
      kernels::cuda::unary_expression(static_cast<kernels::Unary>(unary.function), unary.alpha,
                                      unary.beta, "a", x.dtype));
  return emit_function(cuda, step, "unary", expression);
}

Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::ClipT& clip) {
  XINFER_ASSIGN_OR_RETURN(const CudaTensor x, cuda.tensor(step.inputs[0]));
  return emit_function(cuda, step, "clip",
                       kernels::cuda::clip_expression(clip.low, clip.high, "a", x.dtype));
}

Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::CastT&) {
  XINFER_ASSIGN_OR_RETURN(const CudaTensor x, cuda.tensor(step.inputs[0]));
  XINFER_ASSIGN_OR_RETURN(const CudaTensor y, cuda.tensor(step.outputs[0]));
  XINFER_ASSIGN_OR_RETURN(const std::string expression,
                          kernels::cuda::cast_expression(x.dtype, y.dtype, "a"));
  return emit_function(cuda, step, "cast", expression);
}

Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::BinaryT& binary) {
  XINFER_ASSIGN_OR_RETURN(const CudaTensor a, cuda.tensor(step.inputs[0]));
  XINFER_ASSIGN_OR_RETURN(const std::string expression, expression_of(binary, a.dtype, "a", "b"));
  return emit_function(cuda, step, "binary", expression);
}

Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::SelectT&) {
  return emit_function(cuda, step, "select", "((a) ? (b) : (c))");
}

bool can_concatenate_in_one(const CudaLowering& cuda, const fb::StepT& step) {
  const fb::ConcatT& concat = *step.params.AsConcat();
  if (concat.axis == 0 || step.inputs.size() > kMostElementwiseOperands ||
      std::find(concat.in_place.begin(), concat.in_place.end(), true) != concat.in_place.end()) {
    return false;
  }
  const Result<CudaTensor> y = cuda.tensor(step.outputs[0]);
  return y.ok() && std::all_of(step.inputs.begin(), step.inputs.end(), [&](TensorId input) {
           const Result<CudaTensor> x = cuda.tensor(input);
           return x.ok() && image_stride(*x, *y).ok() &&
                  (x->dtype == y->dtype || (x->is_float() && y->is_float()));
         });
}

Status lower_concat_in_one(CudaLowering& cuda, const fb::StepT& step) {
  XINFER_ASSIGN_OR_RETURN(const CudaTensor y, cuda.tensor(step.outputs[0]));
  ElementwiseProblem problem = problem_of(y);
  CudaLaunch launch;
  launch.batch = y.batch;
  XINFER_ASSIGN_OR_RETURN(problem.expression, join_parts(cuda, step, y, problem, launch));
  return emit(cuda, step, std::move(problem), std::move(launch), "concat");
}

std::map<const fb::StepT*, const fb::StepT*> find_joined_operands(const Lowering& lowering,
                                                                  const CudaLowering& cuda) {
  const StepUses uses(lowering);
  std::map<const fb::StepT*, const fb::StepT*> found;
  for (const auto& step : lowering.plan().steps) {
    if (step->params.type != fb::Params::Binary) continue;
    const Result<CudaTensor> y = cuda.tensor(step->outputs[0]);
    if (!y.ok() || !y->is_float()) continue;
    for (const TensorId input : step->inputs) {
      const fb::StepT* joined = uses.producer(input);
      const Result<CudaTensor> x = cuda.tensor(input);
      if (joined == nullptr || joined->params.type != fb::Params::Concat || !x.ok() ||
          x->dims != y->dims || x->batch != y->batch || !x->is_float() ||
          uses.only_reader(input) != step.get() ||
          joined->inputs.size() + 1 > kMostElementwiseOperands ||
          !can_concatenate_in_one(cuda, *joined)) {
        continue;
      }
      found.emplace(step.get(), joined);
      break;
    }
  }
  return found;
}

Status lower_joined_operand(CudaLowering& cuda, const fb::StepT& step, const fb::StepT& joined) {
  XINFER_ASSIGN_OR_RETURN(const CudaTensor y, cuda.tensor(step.outputs[0]));
  ElementwiseProblem problem = problem_of(y);
  CudaLaunch launch;
  launch.batch = y.batch;
  XINFER_ASSIGN_OR_RETURN(const std::string whole, join_parts(cuda, joined, y, problem, launch));
  const bool first = step.inputs[0] == joined.outputs[0];
  XINFER_ASSIGN_OR_RETURN(const CudaTensor other, cuda.tensor(step.inputs[first ? 1 : 0]));
  const std::string letter(1, static_cast<char>('a' + problem.operands.size()));
  XINFER_RETURN_IF_ERROR(check_plain(other));
  XINFER_RETURN_IF_ERROR(add_operand(cuda, other, y, problem, launch));
  problem.operands.back().end = y.dims[static_cast<std::size_t>(problem.range_axis)];
  XINFER_ASSIGN_OR_RETURN(
      problem.expression,
      expression_of(*step.params.AsBinary(), y.dtype, first ? whole.c_str() : letter.c_str(),
                    first ? letter.c_str() : whole.c_str()));
  fb::StepT both = step;
  both.origins.insert(both.origins.begin(), joined.origins.begin(), joined.origins.end());
  return emit(cuda, both, std::move(problem), std::move(launch), "concat_binary");
}

}  // namespace xinfer::lower
