// Epilogues: the steps that follow the accumulation in the same kernel.
#include "lower/cuda/cuda_lowering.h"

namespace xinfer::lower {
namespace {

using kernels::EpilogueStep;
using kernels::cuda::Operand;

Operand step_operand(int index) {
  return static_cast<Operand>(static_cast<int>(Operand::kStep0) + index);
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
      to.kind = EpilogueStep::Kind::kActivation;
      to.activation = from.function;
      to.alpha = from.alpha;
      to.beta = from.beta;
      return {};
  }
  return internal_error("epilogue step of unknown kind");
}

}  // namespace xinfer::lower
