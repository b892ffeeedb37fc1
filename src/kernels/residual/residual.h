// Addition and multiplication of two INT8 tensors with scales of their own.
//
//   add       y = fma(float(a), a_factor, fma(float(b), b_factor, 0))
//   multiply  y = (float(a) * float(b)) * a_factor       (b_factor is not used; float(a) * float(b)
//                                                         is exact)
// then y = min(max(y, clip_low), clip_high). INT8 output: clamp to [-128, 127] or [0, 255] as
// float, then round half to even. float32 output: y as it is.
//
// Factors: add to INT8: fl32(s_a / s_y) and fl32(s_b / s_y); to float32: s_a and s_b; multiply:
// fl32(s_a * s_b / s_y), or fl32(s_a * s_b); each rounded once from double. Clip bounds are in
// units of y: fl32(c / s_y). Three builds of one source give equal bytes.
#pragma once

#include <cstdint>
#include <limits>

#include "core/cpu_isa.h"
#include "core/status.h"
#include "core/thread_pool.h"
#include "xinfer/core/dtype.h"

namespace xinfer::kernels {

enum class ResidualOp : std::uint8_t { kAdd, kMultiply };

struct ResidualShape {
  std::int64_t batch = 1;
  std::int64_t pixels = 1;  ///< of one image
  std::int64_t channels = 1;
  std::int64_t a_pixel_stride = 1;  ///< elements, >= channels
  std::int64_t b_pixel_stride = 1;  ///< 0: one row of channels per image ([N, 1, 1, C])
  std::int64_t b_batch_stride = 1;  ///< elements from one image of b to the next; 0: the same row
                                    ///< for all images
  std::int64_t y_pixel_stride = 1;
};

struct ResidualParameters {
  ResidualOp op = ResidualOp::kAdd;
  DType a_dtype = DType::kInt8;  ///< kInt8 or kUInt8
  DType b_dtype = DType::kInt8;  ///< kInt8 or kUInt8
  DType y_dtype = DType::kInt8;  ///< kInt8, kUInt8 or kFloat32
  float a_factor = 1.0f;
  float b_factor = 1.0f;
  float clip_low = -std::numeric_limits<float>::infinity();
  float clip_high = std::numeric_limits<float>::infinity();
};

/// Computes y on all threads; y may be the memory of a or b if strides and element sizes agree.
/// Fails with `unsupported` for other element types.
Status residual(const ResidualShape& shape, const ResidualParameters& parameters, const void* a,
                const void* b, void* y, CpuIsa isa, ThreadPool& pool);

/// The definition, one element at a time. For tests.
void residual_reference(const ResidualShape& shape, const ResidualParameters& parameters,
                        const void* a, const void* b, void* y);

}  // namespace xinfer::kernels
