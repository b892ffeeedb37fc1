// ONNX Resize (versions 10, 11, 13, 18, 19) and Upsample (7, 9) over any dimensions.
//
// Along each resized dimension an output index i maps to the input coordinate c(i) that the
// coordinate mode defines (computed in double from the scale, as ONNX's reference does;
// pytorch_half _pixel of one output is 0, as the operator's text says). Then
//   nearest   y = x[round(c)], the index clamped to the input: moves elements of any type
//   linear    y = sum over 2 taps of w_k * x[floor(c) + k]
//   cubic     the same with 4 taps of the Keys kernel with coefficient a
// `antialias` widens the kernel by 1 / scale where the scale is below 1. Taps outside the input
// read its edge, or with exclude_outside weigh nothing and the others are scaled to a sum of 1.
// With tf_crop_and_resize coordinates outside the input give the extrapolation value.
//
// Interpolation runs one dimension after the other, outermost first, in float32:
//   v = fma(w_n, x_n, … fma(w_1, x_1, w_0 * x_0)), weights rounded once from double
// INT8 inputs enter as float(q); INT8 outputs leave as clamp(v * factor), rounded half to even,
// with factor = fl32(s_x / s_y); INT8 to float32: v * s_x. Builds give equal bytes and equal
// floats.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "core/cpu_isa.h"
#include "core/status.h"
#include "core/thread_pool.h"
#include "kernels/resize/kinds.h"
#include "xinfer/core/dtype.h"

namespace xinfer::kernels {

/// One dimension of the tensor, in physical order.
struct ResizeAxis {
  std::int64_t in = 1;
  std::int64_t out = 1;
  double scale = 1.0;      ///< as the model gives it; with sizes given, out / in
  double roi_start = 0.0;  ///< tf_crop_and_resize only, normalised
  double roi_end = 1.0;
};

struct ResizeParameters {
  ResizeMode mode = ResizeMode::kNearest;
  CoordinateMode coordinates = CoordinateMode::kHalfPixel;
  NearestMode nearest = NearestMode::kRoundPreferFloor;
  double cubic_coefficient = -0.75;
  bool antialias = false;
  bool exclude_outside = false;
  double extrapolation_value = 0.0;  ///< in the units of y (INT8: the quantised value)
  DType x_dtype = DType::kFloat32;   ///< nearest: any type, x_dtype = y_dtype
  DType y_dtype = DType::kFloat32;   ///< linear, cubic: float32; or s8, u8 to s8, u8, float32
  float factor = 1.0f;               ///< INT8 inputs of linear and cubic: see above
};

/// A resize made ready for one shape: tables and intermediate buffers are allocated here.
class Resize {
 public:
  virtual ~Resize() = default;
  /// Computes dense y from dense x on all threads. Not for two threads at once: buffers are shared.
  virtual void run(const void* x, void* y, ThreadPool& pool) = 0;
};

/// Fails with `unsupported` for element types other than those named above, and for ranks above 8.
Result<std::unique_ptr<Resize>> make_resize(std::span<const ResizeAxis> axes,
                                            const ResizeParameters& parameters, CpuIsa isa);

}  // namespace xinfer::kernels
