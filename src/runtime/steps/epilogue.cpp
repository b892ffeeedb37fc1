#include "runtime/steps/epilogue.h"

namespace xinfer::runtime {
namespace {

using Kind = kernels::EpilogueStep::Kind;

Result<kernels::EpilogueStep> residual_step(const StepSource& source,
                                            const fb::EpilogueStep& params) {
  const TensorView* residual = source.input(static_cast<unsigned>(params.input()));
  const TensorView* y = source.output();
  if (residual == nullptr || residual->dims != y->dims) {
    return misfit("a residual's shape differs from the output's");
  }
  kernels::EpilogueStep step;
  step.kind = Kind::kResidual;
  step.residual = residual->data;
  step.residual_dtype = residual->dtype;
  step.residual_pixel_stride = residual->pixel_stride;
  step.scale = params.scale();
  return step;
}

Result<kernels::EpilogueStep> epilogue_step(const StepSource& source,
                                            const fb::EpilogueStep& params) {
  kernels::EpilogueStep step;
  switch (params.kind()) {
    case fb::EpilogueKind::Residual:
      return residual_step(source, params);
    case fb::EpilogueKind::Clip:
      step.kind = Kind::kClip;
      step.low = params.low();
      step.high = params.high();
      break;
    case fb::EpilogueKind::Leaky:
      step.kind = Kind::kLeaky;
      step.slope = params.slope();
      break;
    case fb::EpilogueKind::Table:
      step.kind = Kind::kTable;
      if (params.table() == nullptr || params.table()->size() != 256) {
        return misfit("a table does not have 256 entries");
      }
      step.table = source.blob<std::uint8_t>(params.table());
      step.table_min = params.table_min();
      step.table_max = params.table_max();
      step.table_output_signed = params.table_output_signed();
      step.table_scale = params.table_scale();
      break;
    case fb::EpilogueKind::Activation:
      step.kind = Kind::kActivation;
      step.activation = params.function();
      step.alpha = params.alpha();
      step.beta = params.beta();
      break;
  }
  return step;
}

bool covers(const fb::Blob* blob, std::int64_t channels) {
  return blob != nullptr && blob->size() == static_cast<std::uint64_t>(channels) * sizeof(float);
}

}  // namespace

Result<kernels::Epilogue> make_epilogue(const StepSource& source, const fb::Epilogue& params,
                                        std::int64_t channels, bool int8) {
  kernels::Epilogue epilogue;
  epilogue.output_dtype = source.output()->dtype;
  epilogue.multiplier = source.blob<float>(params.multiplier());
  epilogue.bias = source.blob<float>(params.bias());
  if (int8 && (!covers(params.multiplier(), channels) || !covers(params.bias(), channels))) {
    return misfit("an INT8 step without a multiplier and bias for every channel");
  }
  if (!int8 && epilogue.bias != nullptr && !covers(params.bias(), channels)) {
    return misfit("a bias that does not cover every channel");
  }
  if (!int8) epilogue.multiplier = nullptr;
  if (params.steps() == nullptr) return epilogue;
  if (params.steps()->size() > kernels::kMaxEpilogueSteps) return misfit("an epilogue too long");
  for (const fb::EpilogueStep* step : *params.steps()) {
    XINFER_ASSIGN_OR_RETURN(epilogue.steps[epilogue.step_count], epilogue_step(source, *step));
    ++epilogue.step_count;
  }
  return epilogue;
}

}  // namespace xinfer::runtime
