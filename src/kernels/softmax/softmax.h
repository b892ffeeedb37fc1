// Softmax and LogSoftmax over one axis. ONNX Softmax and LogSoftmax version 13; earlier versions,
// which flatten the input to two dimensions, are the case inner = 1.
//
//   m = max x;  e_i = exp(x_i - m);  s = sum e_i
//   softmax      y_i = e_i * (1 / s)
//   log-softmax  y_i = (x_i - m) - log(s)
//
// Sums run in a fixed order (elementwise/lanes.h for inner = 1, in index order otherwise), so that
// all builds and thread counts give equal floats. INT8 output: y / y_scale, clamped, rounded half
// to even. Softmax is never negative: u8 with y_scale = 1 / 255 loses nothing.
#pragma once

#include <cstdint>

#include "core/cpu_isa.h"
#include "core/status.h"
#include "core/thread_pool.h"
#include "xinfer/core/dtype.h"

namespace xinfer::kernels {

/// x is [outer, axis, inner], the strides in elements; inner has stride 1. y is the same shape.
struct SoftmaxShape {
  std::int64_t outer = 1;
  std::int64_t axis = 1;
  std::int64_t inner = 1;
  std::int64_t x_outer_stride = 1, x_axis_stride = 1;
  std::int64_t y_outer_stride = 1, y_axis_stride = 1;
};

/// A dense [outer, axis, inner] tensor.
inline SoftmaxShape dense_softmax_shape(std::int64_t outer, std::int64_t axis, std::int64_t inner) {
  return {outer, axis, inner, axis * inner, inner, axis * inner, inner};
}

struct SoftmaxParameters {
  bool log = false;
  DType y_dtype = DType::kFloat32;  ///< kFloat32, kInt8 or kUInt8
  float y_scale = 1.0f;             ///< INT8 only
};

/// Computes y on all threads; y may be x if it is float32 with the same strides. Fails with
/// `unsupported` for another y_dtype.
Status softmax(const SoftmaxShape& shape, const SoftmaxParameters& parameters, const float* x,
               void* y, CpuIsa isa, ThreadPool& pool);

/// In double, from the definition; y is float64 with y's strides. For tests.
void softmax_reference(const SoftmaxShape& shape, bool log, const float* x, double* y);

}  // namespace xinfer::kernels
