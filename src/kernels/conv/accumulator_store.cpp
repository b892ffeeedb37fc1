// Validation and preparation of epilogues.
#include "kernels/conv/accumulator_store.h"

#include <cmath>
#include <limits>

namespace xinfer::kernels {

void store_accumulators_portable(const StorePlan& plan, const AccumulatorTile& tile);
void store_accumulators_avx2(const StorePlan& plan, const AccumulatorTile& tile);
StoreAccumulators select_store_avx512(const StorePlan& plan);

namespace {

float clip(float y, float low, float high) {
  const float raised = low > y ? low : y;
  return high < raised ? high : raised;
}

Status check_step(const EpilogueStep& step, int index) {
  switch (step.kind) {
    case EpilogueStep::Kind::kResidual:
      if (step.residual == nullptr) {
        return invalid_argument("epilogue step {}: residual is null", index);
      }
      if (step.residual_dtype != DType::kInt8 && step.residual_dtype != DType::kUInt8 &&
          step.residual_dtype != DType::kFloat32) {
        return unsupported("epilogue step {}: residual of type {}; supported: int8, uint8, float32",
                           index, to_string(step.residual_dtype));
      }
      return Status();
    case EpilogueStep::Kind::kTable:
      if (step.table == nullptr) return invalid_argument("epilogue step {}: table is null", index);
      return Status();
    case EpilogueStep::Kind::kActivation:
      if (step.activation >= kUnaryCount ||
          unary_loop_f32(static_cast<Unary>(step.activation), CpuIsa::kPortable) == nullptr) {
        return unsupported("epilogue step {}: activation {} has no float32 form", index,
                           int{step.activation});
      }
      return Status();
    case EpilogueStep::Kind::kClip:
    case EpilogueStep::Kind::kLeaky:
      return Status();
  }
  return invalid_argument("epilogue step {}: unknown kind {}", index, static_cast<int>(step.kind));
}

Status check(const Epilogue& epilogue, const void* y, bool float_accumulators) {
  if (y == nullptr) return invalid_argument("the output is null");
  if (epilogue.step_count < 0 || epilogue.step_count > kMaxEpilogueSteps) {
    return invalid_argument("an epilogue of {} steps; supported: 0 to {}", epilogue.step_count,
                            kMaxEpilogueSteps);
  }
  if (!float_accumulators && (epilogue.multiplier == nullptr || epilogue.bias == nullptr)) {
    return invalid_argument("an INT8 layer needs multipliers and biases");
  }
  if (float_accumulators && epilogue.multiplier != nullptr) {
    return invalid_argument("a float32 layer takes no multipliers");
  }
  if (epilogue.output_dtype != DType::kInt8 && epilogue.output_dtype != DType::kUInt8 &&
      epilogue.output_dtype != DType::kFloat32) {
    return unsupported("output of type {}; supported: int8, uint8, float32",
                       to_string(epilogue.output_dtype));
  }
  for (int i = 0; i < epilogue.step_count; ++i) {
    XINFER_RETURN_IF_ERROR(check_step(epilogue.steps[i], i));
  }
  return Status();
}

/// Replaces the clips at the end of the list, and the output type's range, by one interval:
/// clamping to one interval after another equals clamping to the first one clamped to the second.
void absorb_clips(StorePlan* plan) {
  Epilogue& e = plan->epilogue;
  int first = e.step_count;
  while (first > 0 && e.steps[first - 1].kind == EpilogueStep::Kind::kClip) --first;
  plan->low = -std::numeric_limits<float>::infinity();
  plan->high = std::numeric_limits<float>::infinity();
  const auto clamp_bounds = [&](float low, float high) {
    plan->low = clip(plan->low, low, high);
    plan->high = clip(plan->high, low, high);
  };
  for (int i = first; i < e.step_count; ++i) clamp_bounds(e.steps[i].low, e.steps[i].high);
  if (e.output_dtype == DType::kInt8) clamp_bounds(-128.0f, 127.0f);
  if (e.output_dtype == DType::kUInt8) clamp_bounds(0.0f, 255.0f);
  e.step_count = first;
}

/// Whether |y| < 2^30 for every accumulator of `depth` products of INT8 values, before the last
/// clamp, with at most residual steps in between.
bool is_bounded(const Epilogue& e, const AccumulatorTraits& traits) {
  if (traits.float32 || e.output_dtype == DType::kFloat32) return false;
  double added = 0.0;
  for (int i = 0; i < e.step_count; ++i) {
    const EpilogueStep& step = e.steps[i];
    if (step.kind != EpilogueStep::Kind::kResidual) return false;
    if (step.residual_dtype == DType::kFloat32) return false;
    added += 255.0 * std::fabs(double{step.scale});
  }
  const double largest = 255.0 * 128.0 * static_cast<double>(traits.depth);
  for (std::int64_t n = 0; n < traits.channels; ++n) {
    const double bound =
        largest * std::fabs(double{e.multiplier[n]}) + std::fabs(double{e.bias[n]}) + added;
    if (!(bound < 1073741824.0)) return false;  // NaN is not bounded
  }
  return true;
}

}  // namespace

Result<StorePlan> make_store_plan(const Epilogue& epilogue, void* y, std::int64_t y_pixel_stride,
                                  const AccumulatorTraits& traits, CpuIsa isa) {
  XINFER_RETURN_IF_ERROR(check(epilogue, y, traits.float32));
  StorePlan plan;
  plan.epilogue = epilogue;
  plan.y = y;
  plan.y_pixel_stride = y_pixel_stride;
  plan.float_accumulators = traits.float32;
  absorb_clips(&plan);
  plan.bounded = is_bounded(plan.epilogue, traits);
  for (int i = 0; i < plan.epilogue.step_count; ++i) {
    const EpilogueStep& step = plan.epilogue.steps[i];
    if (step.kind == EpilogueStep::Kind::kActivation) {
      plan.activations[i] = unary_loop_f32(static_cast<Unary>(step.activation), isa);
    }
  }
  return plan;
}

StoreAccumulators select_store(const StorePlan& plan, CpuIsa isa) {
  if (includes(isa, CpuIsa::kAvx512Vnni)) return select_store_avx512(plan);
  if (includes(isa, CpuIsa::kAvx2)) return store_accumulators_avx2;
  return store_accumulators_portable;
}

}  // namespace xinfer::kernels
