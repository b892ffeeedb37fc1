// The epilogue by its definition, one element at a time: what every vector form must equal.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/elementwise/unary.h"
#include "kernels/epilogue.h"

namespace xinfer::kernels {

/// min(max(y, low), high); NaN stays NaN.
inline float reference_clip(float y, float low, float high) {
  const float raised = low > y ? low : y;
  return high < raised ? high : raised;
}

inline float reference_residual(const EpilogueStep& step, std::int64_t pixel,
                                std::int64_t channel) {
  const std::int64_t index = pixel * step.residual_pixel_stride + channel;
  if (step.residual_dtype == DType::kFloat32) {
    return static_cast<const float*>(step.residual)[index];
  }
  if (step.residual_dtype == DType::kUInt8) {
    return static_cast<const std::uint8_t*>(step.residual)[index];
  }
  return static_cast<const std::int8_t*>(step.residual)[index];
}

/// The table's value for y, as float.
inline float reference_table(const EpilogueStep& step, float y) {
  const float clamped = reference_clip(y, step.table_min, step.table_max);
  const std::uint8_t byte = step.table[static_cast<int>(std::nearbyint(clamped)) & 255];
  return step.table_output_signed ? static_cast<float>(static_cast<std::int8_t>(byte))
                                  : static_cast<float>(byte);
}

/// All steps on y, the value of one output element. Activations use the portable loop, whose floats
/// all instruction sets share.
inline float reference_steps(const Epilogue& epilogue, float y, std::int64_t pixel,
                             std::int64_t channel) {
  for (int i = 0; i < epilogue.step_count; ++i) {
    const EpilogueStep& step = epilogue.steps[i];
    switch (step.kind) {
      case EpilogueStep::Kind::kResidual:
        y = std::fma(reference_residual(step, pixel, channel), step.scale, y);
        break;
      case EpilogueStep::Kind::kClip:
        y = reference_clip(y, step.low, step.high);
        break;
      case EpilogueStep::Kind::kLeaky:
        y = y < 0.0f ? y * step.slope : y;
        break;
      case EpilogueStep::Kind::kTable: {
        const float t = reference_table(step, y);
        const bool residual_follows = i + 1 < epilogue.step_count &&
                                      epilogue.steps[i + 1].kind == EpilogueStep::Kind::kResidual;
        if (residual_follows) {
          const EpilogueStep& next = epilogue.steps[++i];
          y = std::fma(t, step.table_scale,
                       std::fma(reference_residual(next, pixel, channel), next.scale, 0.0f));
        } else {
          y = t * step.table_scale;
        }
        break;
      }
      case EpilogueStep::Kind::kActivation:
        unary_loop_f32(static_cast<Unary>(step.activation), CpuIsa::kPortable)(
            &y, &y, 1, step.alpha, step.beta);
        break;
    }
  }
  return y;
}

/// Stores y at element `index` as the output's dtype.
inline void reference_store(const Epilogue& epilogue, float y, void* out, std::int64_t index) {
  if (epilogue.output_dtype == DType::kFloat32) {
    static_cast<float*>(out)[index] = y;
  } else if (epilogue.output_dtype == DType::kUInt8) {
    static_cast<std::uint8_t*>(out)[index] =
        static_cast<std::uint8_t>(std::nearbyint(reference_clip(y, 0.0f, 255.0f)));
  } else {
    static_cast<std::int8_t*>(out)[index] =
        static_cast<std::int8_t>(std::nearbyint(reference_clip(y, -128.0f, 127.0f)));
  }
}

/// y from an INT8 layer's accumulator.
inline float reference_scale(const Epilogue& epilogue, std::int32_t acc, std::int64_t channel) {
  return std::fma(static_cast<float>(acc), epilogue.multiplier[channel], epilogue.bias[channel]);
}

/// y from a float32 layer's accumulator.
inline float reference_scale(const Epilogue& epilogue, float acc, std::int64_t channel) {
  return acc + (epilogue.bias == nullptr ? 0.0f : epilogue.bias[channel]);
}

}  // namespace xinfer::kernels
