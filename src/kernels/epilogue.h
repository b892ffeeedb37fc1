// What happens to an accumulator before it is stored: the arithmetic of a rounding region.
// docs/numerics.md, section "Rounding regions", is the definition; this is its data form.
#pragma once

#include <cstdint>

#include "xinfer/core/dtype.h"

namespace xinfer::kernels {

/// One step of an epilogue, applied to y (float32) of every output element, in list order.
struct EpilogueStep {
  enum class Kind : std::uint8_t {
    kResidual,    ///< y = fma(float(r), scale, y); r has the residual's dtype (f32: scale is 1)
    kClip,        ///< y = min(max(y, low), high), as float
    kLeaky,       ///< y = y < 0 ? y * slope : y
    kTable,       ///< INT8 only: q = requantise(y) to [table_min, table_max] by clamp then round
                  ///< half even; t = table[q & 255]; y = float(t) * table_scale. A residual that
                  ///< directly follows is fused: y = fma(t, table_scale, fma(r, r_scale, 0)).
    kActivation,  ///< float only: y = activation(y), see kernels/elementwise/unary.h
  };
  Kind kind = Kind::kClip;

  // kResidual
  const void* residual = nullptr;          ///< same [pixels, channels] grid as the output
  DType residual_dtype = DType::kInt8;     ///< kInt8, kUInt8 or kFloat32
  std::int64_t residual_pixel_stride = 0;  ///< elements between two pixels
  float scale = 1.0f;                      ///< fl32(s_r / s_y)

  // kClip
  float low = 0.0f;
  float high = 0.0f;

  // kLeaky
  float slope = 0.0f;

  // kTable
  const std::uint8_t* table = nullptr;  ///< 256 bytes, indexed by the input byte
  float table_min = 0.0f;               ///< -128 or 0
  float table_max = 0.0f;               ///< 127 or 255
  bool table_output_signed = false;     ///< the table's bytes are s8, else u8
  float table_scale = 1.0f;             ///< fl32(s_t / s_y)

  // kActivation
  std::uint8_t activation = 0;  ///< a kernels::Unary
  float alpha = 0.0f;
  float beta = 0.0f;
};

/// At most this many steps; the builder never fuses more.
inline constexpr int kMaxEpilogueSteps = 4;

/// y = fma(float(acc), multiplier[n], bias[n]), then the steps, then the store:
/// int8 / uint8 output: clamp to [-128, 127] or [0, 255] as float, then round half even; float32
/// output: stored as it is. For float32 convolutions acc is the FMA chain and y = acc + bias[n]
/// (multiplier is null).
struct Epilogue {
  const float* multiplier = nullptr;  ///< [out_channels]; null for float32 accumulators
  const float* bias = nullptr;        ///< [out_channels]; never null for INT8; null = 0 for float32
  int step_count = 0;
  EpilogueStep steps[kMaxEpilogueSteps];
  DType output_dtype = DType::kFloat32;  ///< kInt8, kUInt8 or kFloat32
};

}  // namespace xinfer::kernels
