// The epilogue for any list of steps, row by row through a small float buffer. Plain loops that the
// compiler vectorises for the instruction set of the including file; everything has internal
// linkage, so that no build's code replaces another's.
#pragma once

#include "kernels/conv/accumulator_store.h"

namespace xinfer::kernels {
namespace {

inline float clip(float y, float low, float high) {
  const float raised = low > y ? low : y;
  return high < raised ? high : raised;
}

/// Rounds half to even; |y| < 2^22.
inline int round_to_int(float y) {
  constexpr float kMagic = 12582912.0f;  // 1.5 * 2^23
  return static_cast<int>(__builtin_bit_cast(std::uint32_t, y + kMagic) - 0x4B400000u);
}

template <typename T>
inline void add_residual(const T* r, float scale, int n, float* y) {
  for (int i = 0; i < n; ++i) y[i] = __builtin_fmaf(static_cast<float>(r[i]), scale, y[i]);
}

inline void residual_step(const EpilogueStep& step, std::int64_t pixel, std::int64_t channel, int n,
                          float* y) {
  const std::int64_t index = pixel * step.residual_pixel_stride + channel;
  if (step.residual_dtype == DType::kInt8) {
    add_residual(static_cast<const std::int8_t*>(step.residual) + index, step.scale, n, y);
  } else if (step.residual_dtype == DType::kUInt8) {
    add_residual(static_cast<const std::uint8_t*>(step.residual) + index, step.scale, n, y);
  } else {
    add_residual(static_cast<const float*>(step.residual) + index, step.scale, n, y);
  }
}

/// y becomes the table's values as float, not yet scaled.
inline void look_up(const EpilogueStep& step, int n, float* y) {
  for (int i = 0; i < n; ++i) {
    const float clamped = clip(y[i], step.table_min, step.table_max);
    const std::uint8_t byte = step.table[round_to_int(clamped) & 255];
    y[i] = step.table_output_signed ? static_cast<float>(static_cast<std::int8_t>(byte))
                                    : static_cast<float>(byte);
  }
}

/// A table whose result a residual is added to: y = fma(t, table_scale, r * residual_scale).
inline void table_residual_step(const EpilogueStep& table, const EpilogueStep& residual,
                                std::int64_t pixel, std::int64_t channel, int n, float* y) {
  float sum[kMaxStoreColumns];
  for (int i = 0; i < n; ++i) sum[i] = 0.0f;
  residual_step(residual, pixel, channel, n, sum);
  look_up(table, n, y);
  for (int i = 0; i < n; ++i) y[i] = __builtin_fmaf(y[i], table.table_scale, sum[i]);
}

/// All steps on n channels of one pixel.
inline void apply_steps(const StorePlan& plan, std::int64_t pixel, std::int64_t channel, int n,
                        float* y) {
  const Epilogue& e = plan.epilogue;
  for (int s = 0; s < e.step_count; ++s) {
    const EpilogueStep& step = e.steps[s];
    switch (step.kind) {
      case EpilogueStep::Kind::kResidual:
        residual_step(step, pixel, channel, n, y);
        break;
      case EpilogueStep::Kind::kClip:
        for (int i = 0; i < n; ++i) y[i] = clip(y[i], step.low, step.high);
        break;
      case EpilogueStep::Kind::kLeaky:
        for (int i = 0; i < n; ++i) y[i] = y[i] < 0.0f ? y[i] * step.slope : y[i];
        break;
      case EpilogueStep::Kind::kTable:
        if (s + 1 < e.step_count && e.steps[s + 1].kind == EpilogueStep::Kind::kResidual) {
          table_residual_step(step, e.steps[s + 1], pixel, channel, n, y);
          ++s;
        } else {
          look_up(step, n, y);
          for (int i = 0; i < n; ++i) y[i] *= step.table_scale;
        }
        break;
      case EpilogueStep::Kind::kActivation:
        plan.activations[s](y, y, n, step.alpha, step.beta);
        break;
    }
  }
}

/// The accumulators of one pixel as float, with multiplier and bias applied.
inline void load_row(const StorePlan& plan, const AccumulatorTile& tile, int row, float* y) {
  const float* bias = plan.epilogue.bias;
  if (plan.float_accumulators) {
    const float* acc = static_cast<const float*>(tile.acc) + row * tile.row_stride;
    if (bias != nullptr) bias += tile.first_channel;
    for (int i = 0; i < tile.columns; ++i) y[i] = acc[i] + (bias == nullptr ? 0.0f : bias[i]);
    return;
  }
  const std::int32_t* acc = static_cast<const std::int32_t*>(tile.acc) + row * tile.row_stride;
  const float* multiplier = plan.epilogue.multiplier + tile.first_channel;
  bias += tile.first_channel;
  for (int i = 0; i < tile.columns; ++i) {
    y[i] = __builtin_fmaf(static_cast<float>(acc[i]), multiplier[i], bias[i]);
  }
}

template <typename T>
inline void store_bytes(const float* y, float low, float high, int n, T* out) {
  for (int i = 0; i < n; ++i) out[i] = static_cast<T>(round_to_int(clip(y[i], low, high)));
}

inline void store_row(const StorePlan& plan, std::int64_t pixel, std::int64_t channel, int n,
                      const float* y) {
  const std::int64_t index = pixel * plan.y_pixel_stride + channel;
  if (plan.epilogue.output_dtype == DType::kInt8) {
    store_bytes(y, plan.low, plan.high, n, static_cast<std::int8_t*>(plan.y) + index);
  } else if (plan.epilogue.output_dtype == DType::kUInt8) {
    store_bytes(y, plan.low, plan.high, n, static_cast<std::uint8_t*>(plan.y) + index);
  } else {
    float* out = static_cast<float*>(plan.y) + index;
    for (int i = 0; i < n; ++i) out[i] = clip(y[i], plan.low, plan.high);
  }
}

inline void store_any(const StorePlan& plan, const AccumulatorTile& tile) {
  float y[kMaxStoreColumns];
  for (int row = 0; row < tile.rows; ++row) {
    const std::int64_t pixel = tile.first_pixel + row;
    load_row(plan, tile, row, y);
    apply_steps(plan, pixel, tile.first_channel, tile.columns, y);
    store_row(plan, pixel, tile.first_channel, tile.columns, y);
  }
}

}  // namespace
}  // namespace xinfer::kernels
