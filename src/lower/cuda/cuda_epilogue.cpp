// Epilogues: what the accumulating kernel takes, and what follows it as a kernel of its own.
#include "kernels/cuda/elementwise_kernels.h"
#include "kernels/cuda/layer_source.h"
#include "lower/cuda/cuda_lowering.h"

namespace xinfer::lower {
namespace {

using kernels::EpilogueStep;
using kernels::cuda::Operand;

Operand step_operand(int index) {
  return static_cast<Operand>(static_cast<int>(Operand::kStep0) + index);
}

/// One step of a float32 epilogue as an expression of `y`; a residual is `b`.
Result<std::string> step_expression(const fb::EpilogueStepT& step, const std::string& y) {
  switch (step.kind) {
    case fb::EpilogueKind::Residual:
      return fmt::format("__fmaf_rn(b, {}, {})", kernels::cuda::float_literal(step.scale), y);
    case fb::EpilogueKind::Clip:
      return kernels::cuda::clip_expression(step.low, step.high, y);
    case fb::EpilogueKind::Leaky:
      return kernels::cuda::unary_expression(kernels::Unary::kLeakyRelu, step.slope, 0.0f, y);
    case fb::EpilogueKind::Activation:
      return kernels::cuda::unary_expression(static_cast<kernels::Unary>(step.function), step.alpha,
                                             step.beta, y);
    case fb::EpilogueKind::Table:
      break;
  }
  return unsupported("a table behind a float activation has no CUDA form");
}

}  // namespace

Status add_epilogue_step(CudaLowering& cuda, const fb::StepT& step, const fb::EpilogueStepT& from,
                         CudaLaunch& launch, kernels::Epilogue& epilogue) {
  if (epilogue.step_count == kernels::kMaxEpilogueSteps) {
    return internal_error("an epilogue of more than {} steps", kernels::kMaxEpilogueSteps);
  }
  const Operand operand = step_operand(epilogue.step_count);
  EpilogueStep& to = epilogue.steps[epilogue.step_count++];
  switch (from.kind) {
    case fb::EpilogueKind::Residual: {
      const TensorId residual = step.inputs[static_cast<std::size_t>(from.input)];
      XINFER_ASSIGN_OR_RETURN(const CudaTensor r, cuda.tensor(residual));
      to.kind = EpilogueStep::Kind::kResidual;
      to.residual_dtype = r.dtype;
      to.residual_pixel_stride = r.pitch;
      to.scale = from.scale;
      cuda.read(launch, operand, residual);
      return {};
    }
    case fb::EpilogueKind::Clip:
      to.kind = EpilogueStep::Kind::kClip;
      to.low = from.low;
      to.high = from.high;
      return {};
    case fb::EpilogueKind::Leaky:
      to.kind = EpilogueStep::Kind::kLeaky;
      to.slope = from.slope;
      return {};
    case fb::EpilogueKind::Table:
      to.kind = EpilogueStep::Kind::kTable;
      to.table_min = from.table_min;
      to.table_max = from.table_max;
      to.table_output_signed = from.table_output_signed;
      to.table_scale = from.table_scale;
      cuda.use(launch, operand, cuda.blobs().add(cuda.rows_of(from.table)));
      return {};
    case fb::EpilogueKind::Activation:
      break;
  }
  return internal_error("a float activation behind an accumulator");
}

std::size_t fused_step_count(const fb::EpilogueT& epilogue) {
  for (std::size_t i = 0; i < epilogue.steps.size(); ++i) {
    if (epilogue.steps[i]->kind == fb::EpilogueKind::Activation) return i;
  }
  return epilogue.steps.size();
}

Status emit_epilogue_tail(CudaLowering& cuda, const fb::StepT& step, const fb::EpilogueT& epilogue,
                          const CudaTensor& y) {
  const std::size_t first = fused_step_count(epilogue);
  if (first == epilogue.steps.size()) return {};
  if (y.dtype != DType::kFloat32) {
    return internal_error("a float activation on its way to {}", to_string(y.dtype));
  }
  CudaLaunch launch;
  launch.name = step.name + " activation";
  launch.family = "Elementwise";
  launch.batch = y.batch;
  cuda.read(launch, Operand::kInput, y.id);
  kernels::cuda::ElementwiseProblem problem;
  problem.a_image_stride = problem.y_image_stride = y.image_stride();
  std::string expression = "a";
  CudaTensor residual;
  for (std::size_t i = first; i < epilogue.steps.size(); ++i) {
    const fb::EpilogueStepT& part = *epilogue.steps[i];
    if (part.kind == fb::EpilogueKind::Residual) {
      if (problem.has_b) return unsupported("two residuals behind a float activation");
      XINFER_ASSIGN_OR_RETURN(residual,
                              cuda.tensor(step.inputs[static_cast<std::size_t>(part.input)]));
      if (residual.dtype != DType::kFloat32) {
        return unsupported("an INT8 residual behind a float activation");
      }
      problem.has_b = true;
      problem.b_image_stride = residual.image_stride();
      cuda.read(launch, Operand::kInput2, residual.id);
    }
    XINFER_ASSIGN_OR_RETURN(expression, step_expression(part, expression));
  }
  for (std::size_t i = 0; i < y.dims.size(); ++i) {
    problem.axes.push_back(
        {y.dims[i], y.stride(i), problem.has_b ? residual.stride(i) : 0, y.stride(i)});
  }
  problem.expression = expression;
  cuda.write(launch, Operand::kOutput, y.id);
  XINFER_ASSIGN_OR_RETURN(auto spec, kernels::cuda::elementwise_kernel(problem, "activation"));
  return cuda.emit(step, std::move(launch), std::move(spec));
}

}  // namespace xinfer::lower
