// Validation and preparation of epilogues.
#include "kernels/conv/accumulator_store.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace xinfer::kernels {

void store_accumulators_portable(const StorePlan& plan, const AccumulatorTile& tile);
StoreAccumulators select_store_avx2(const StorePlan& plan);
StoreAccumulators select_store_avx512(const StorePlan& plan);
StoreAccumulators select_store_avx512vbmi(const StorePlan& plan);

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

bool is_int8_residual(const EpilogueStep& step) {
  return step.kind == EpilogueStep::Kind::kResidual && step.residual_dtype != DType::kFloat32;
}

bool is_bounded(double magnitude) { return magnitude < 1073741824.0; }  // false for NaN

/// Whether |y| < 2^30 for every accumulator of `depth` products of INT8 values and a residual.
bool is_scaled_bounded(const Epilogue& e, const AccumulatorTraits& traits, double residual) {
  const double largest = 255.0 * 128.0 * static_cast<double>(traits.depth);
  for (std::int64_t n = 0; n < traits.channels; ++n) {
    const double magnitude =
        largest * std::fabs(double{e.multiplier[n]}) + std::fabs(double{e.bias[n]}) + residual;
    if (!is_bounded(magnitude)) return false;
  }
  return true;
}

/// What the table and the clamp behind it make of every byte: one table of bytes of y.
void compose_table(const EpilogueStep& step, float low, float high,
                   std::array<std::uint8_t, 256>* table) {
  for (std::size_t i = 0; i < table->size(); ++i) {
    const float t = step.table_output_signed
                        ? static_cast<float>(static_cast<std::int8_t>(step.table[i]))
                        : static_cast<float>(step.table[i]);
    const float y = clip(t * step.table_scale, low, high);
    (*table)[i] = static_cast<std::uint8_t>(static_cast<int>(std::nearbyint(y)));
  }
}

/// Recognises what may be done on rounded bytes; sets `bounded` and what follows it in the plan.
void plan_bytes(const AccumulatorTraits& traits, StorePlan* plan) {
  const Epilogue& e = plan->epilogue;
  if (traits.float32 || e.output_dtype == DType::kFloat32) return;
  int step = 0;
  double residual = 0.0;
  if (step < e.step_count && is_int8_residual(e.steps[step])) {
    residual = 255.0 * std::fabs(double{e.steps[step++].scale});
  }
  if (!is_scaled_bounded(e, traits, residual)) return;
  plan->bytes_signed = e.output_dtype == DType::kInt8;
  float low = plan->low;
  float high = plan->high;
  if (step < e.step_count && e.steps[step].kind == EpilogueStep::Kind::kTable) {
    const EpilogueStep& table = e.steps[step++];
    low = table.table_min;
    high = table.table_max;
    plan->bytes_signed = low < 0.0f;
    auto storage = std::make_shared<std::array<std::uint8_t, 256>>();
    if (step < e.step_count && is_int8_residual(e.steps[step]) && residual == 0.0) {
      const double sum =
          255.0 * (std::fabs(double{table.table_scale}) + std::fabs(double{e.steps[step++].scale}));
      if (!is_bounded(sum)) return;
      std::copy_n(table.table, storage->size(), storage->begin());
      plan->table_then_residual = true;
    } else {
      compose_table(table, plan->low, plan->high, storage.get());
    }
    plan->table = storage->data();
    plan->table_storage = std::move(storage);
  }
  plan->byte_low = static_cast<int>(std::nearbyint(low));
  plan->byte_high = static_cast<int>(std::nearbyint(high));
  plan->bounded = step == e.step_count;
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
  plan_bytes(traits, &plan);
  for (int i = 0; i < plan.epilogue.step_count; ++i) {
    const EpilogueStep& step = plan.epilogue.steps[i];
    if (step.kind == EpilogueStep::Kind::kActivation) {
      plan.activations[i] = unary_loop_f32(static_cast<Unary>(step.activation), isa);
    }
  }
  return plan;
}

void rebind_store_plan(StorePlan* plan, void* y, const Epilogue& epilogue) {
  plan->y = y;
  // What the plan has absorbed stood at the end, so the steps that are left have their old places.
  for (int i = 0; i < plan->epilogue.step_count; ++i) {
    plan->epilogue.steps[i].residual = epilogue.steps[i].residual;
  }
}

StoreAccumulators select_store(const StorePlan& plan, CpuIsa isa) {
  if (includes(isa, CpuIsa::kAvx512Vnni)) {
    return __builtin_cpu_supports("avx512vbmi") ? select_store_avx512vbmi(plan)
                                                : select_store_avx512(plan);
  }
  if (includes(isa, CpuIsa::kAvx2)) return select_store_avx2(plan);
  return store_accumulators_portable;
}

}  // namespace xinfer::kernels
