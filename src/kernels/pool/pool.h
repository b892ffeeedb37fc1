// Max, average and Lp pooling over up to three spatial dimensions on NHWC (NDHWC).
//
//   max      y = max over the window's real elements (an INT8 tensor keeps its scale: bytes move)
//   average  float32: y = (sum over kernel rows of the row's sum) / count
//            INT8:    y = float(int32 sum) * fl32(s_x / (s_y * count)), clamp, round half even;
//                     to float32: float(sum) * fl32(s_x / count)
//   Lp       float32, p = 1 or 2: (sum of |x|^p)^(1/p)
//
// ONNX MaxPool (versions 1 to 22), AveragePool (1 to 22), LpPool (1 to 22), GlobalMaxPool,
// GlobalAveragePool, GlobalLpPool (kernel = input). ceil_mode and auto_pad are in the output sizes
// and pads already. `count` is the number of real elements of the window, or, with
// count_include_pad, of elements inside the padded input (a window that ceil_mode lets hang over
// the padded end does not count what lies beyond it). A window without real elements gives
// -infinity or the least integer for max and 0 for average. All builds give equal results; sums
// have a fixed order.
#pragma once

#include <cstdint>

#include "core/cpu_isa.h"
#include "core/status.h"
#include "core/thread_pool.h"
#include "xinfer/core/dtype.h"

namespace xinfer::kernels {

/// One spatial dimension.
struct PoolAxis {
  std::int64_t in = 1;
  std::int64_t out = 1;
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t dilation = 1;
  std::int64_t pad_begin = 0;
  std::int64_t pad_end = 0;
};

struct PoolShape {
  std::int64_t batch = 1;
  std::int64_t channels = 1;
  PoolAxis depth{}, height{}, width{};  ///< 1-D pooling uses width, 2-D height and width
  std::int64_t x_pixel_stride = 1;      ///< elements, >= channels
  std::int64_t y_pixel_stride = 1;
};

/// Max pooling of kFloat32, kInt8 or kUInt8; fails with `unsupported` for other types.
Status max_pool(const PoolShape& shape, DType dtype, const void* x, void* y, CpuIsa isa,
                ThreadPool& pool);

/// Max pooling with MaxPool's second output: for each output element the index of its maximum (the
/// first of equals in window order) in the flattened NCHW input [N, C, D, H, W]; with
/// `column_major` (storage_order = 1) the spatial part is flattened column-major.
/// `indices` is dense NHWC: [batch, pixels, channels]. Any of the three types of max_pool.
Status max_pool_with_indices(const PoolShape& shape, DType dtype, const void* x, void* y,
                             std::int64_t* indices, bool column_major, ThreadPool& pool);

struct AveragePoolParameters {
  DType x_dtype = DType::kFloat32;  ///< kFloat32, kInt8, kUInt8
  DType y_dtype = DType::kFloat32;  ///< kFloat32; for INT8 inputs also kInt8, kUInt8
  float x_scale = 1.0f;             ///< s_x, INT8 inputs only
  float y_scale = 1.0f;             ///< s_y, INT8 outputs only
  bool count_include_pad = false;
};

/// Average pooling; fails with `unsupported` for other type combinations. For INT8 the window must
/// have fewer than 2^23 elements, so that the int32 sum cannot overflow.
Status average_pool(const PoolShape& shape, const AveragePoolParameters& parameters, const void* x,
                    void* y, CpuIsa isa, ThreadPool& pool);

/// Lp pooling of float32 with p = 1 or 2; fails with `unsupported` for another p.
Status lp_pool(const PoolShape& shape, int p, const float* x, float* y, CpuIsa isa,
               ThreadPool& pool);

/// Definitions, one element at a time, for tests.
void max_pool_reference(const PoolShape& shape, DType dtype, const void* x, void* y);
void average_pool_reference(const PoolShape& shape, const AveragePoolParameters& parameters,
                            const void* x, void* y);

}  // namespace xinfer::kernels
