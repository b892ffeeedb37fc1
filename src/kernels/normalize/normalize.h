// Normalisation of float32 rows.
//
//   layer_norm  m = sum(x) / n;  v = sum((x - m)^2) / n;  r = 1 / sqrt(v + epsilon)
//               y_i = fma((x_i - m) * r, scale_i, bias_i)     ONNX LayerNormalization version 17
//   rms_norm    v = sum(x^2) / n;  y_i = x_i * r * scale_i    ONNX RMSNormalization version 23
//   group_norm  the same as layer_norm over each group of channels of an image, NHWC:
//               InstanceNormalization (groups = channels) and GroupNormalization (version 21);
//               scale and bias per channel
//   channel_affine   y = fma(x, scale_c, bias_c): BatchNormalization that could not be folded
//   lrn         y = x / (bias + alpha / size * sum of x^2 over `size` channels)^beta
//               ONNX LRN version 13
//
// Two passes (mean, then variance) with sums in a fixed order (elementwise/lanes.h): equal floats
// on all builds and thread counts. INT8 output: y / y_scale, clamped, rounded half to even.
#pragma once

#include <cstdint>

#include "core/cpu_isa.h"
#include "core/status.h"
#include "core/thread_pool.h"
#include "xinfer/core/dtype.h"

namespace xinfer::kernels {

struct RowNormParameters {
  std::int64_t rows = 1;
  std::int64_t n = 1;         ///< elements of a row: all normalised axes together
  std::int64_t x_stride = 1;  ///< elements from one row to the next
  std::int64_t y_stride = 1;
  float epsilon = 1e-5f;
  const float* scale = nullptr;     ///< [n]; null = 1
  const float* bias = nullptr;      ///< [n]; null = 0; not used by rms_norm
  DType y_dtype = DType::kFloat32;  ///< kFloat32, kInt8 or kUInt8
  float y_scale = 1.0f;             ///< INT8 only
};

/// y may be x if it is float32 with the same stride. Both fail with `unsupported` for another
/// y_dtype.
Status layer_norm(const RowNormParameters& parameters, const float* x, void* y, CpuIsa isa,
                  ThreadPool& pool);
Status rms_norm(const RowNormParameters& parameters, const float* x, void* y, CpuIsa isa,
                ThreadPool& pool);

struct GroupNormParameters {
  std::int64_t batch = 1;
  std::int64_t pixels = 1;
  std::int64_t channels = 1;  ///< a multiple of groups
  std::int64_t groups = 1;
  float epsilon = 1e-5f;
  const float* scale = nullptr;  ///< [channels]; null = 1
  const float* bias = nullptr;   ///< [channels]; null = 0
};
/// x and y: dense [batch, pixels, channels]; y may be x. Sums in double, pixel by pixel.
void group_norm(const GroupNormParameters& parameters, const float* x, float* y, ThreadPool& pool);

/// x and y: dense [pixels, channels]; y may be x.
void channel_affine(std::int64_t pixels, std::int64_t channels, const float* scale,
                    const float* bias, const float* x, float* y, CpuIsa isa, ThreadPool& pool);

struct LrnParameters {
  std::int64_t pixels = 1;  ///< of all images together
  std::int64_t channels = 1;
  std::int64_t size = 1;
  float alpha = 1e-4f;
  float beta = 0.75f;
  float bias = 1.0f;
};
/// x and y: dense [pixels, channels]; they must not overlap.
void lrn(const LrnParameters& parameters, const float* x, float* y, ThreadPool& pool);

/// layer_norm (or rms_norm) in double; y is float64, dense [rows, n]. For tests.
void row_norm_reference(const RowNormParameters& parameters, bool rms, const float* x, double* y);

}  // namespace xinfer::kernels
