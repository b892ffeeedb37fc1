// Conversion between float32 and INT8, between INT8 scales, and between layouts, in one pass: the
// borders of a network and the converts between precisions inside it.
//
//   float32 -> s8, u8   q = round_half_even(clamp(x / factor, qmin, qmax)), true division; NaN
//   gives
//                       qmin. ONNX QuantizeLinear (version 10 and up) with zero point 0.
//   s8, u8 -> float32   y = float(q) * factor. ONNX DequantizeLinear with zero point 0.
//   s8, u8 -> s8, u8    q' = round_half_even(clamp(float(q) * factor)), factor = fl32(s_x / s_y)
//   float32 -> float32  layout only, factor is not used
//
// Three builds of one source; all give equal bytes and equal floats.
#pragma once

#include <cstdint>

#include "core/cpu_isa.h"
#include "core/status.h"
#include "core/thread_pool.h"
#include "xinfer/core/dtype.h"

namespace xinfer::kernels {

/// Where the channels are.
enum class ChannelOrder : std::uint8_t {
  kInnermost,  ///< NHWC: [batch, pixels, channels] with a pixel stride
  kPlanar,     ///< NCHW: [batch, channels, pixels], dense
};

struct ConvertShape {
  std::int64_t batch = 1;
  std::int64_t pixels = 1;  ///< of one image; all spatial dimensions together
  std::int64_t channels = 1;
  ChannelOrder x_order = ChannelOrder::kInnermost;
  ChannelOrder y_order = ChannelOrder::kInnermost;
  std::int64_t x_pixel_stride = 1;  ///< elements, >= channels; kInnermost only
  std::int64_t y_pixel_stride = 1;
};

/// y[0, n) = convert(x[0, n)) on the calling thread; element types as chosen by convert_loop.
using ConvertLoop = void (*)(const void* x, void* y, std::int64_t n, float factor);

/// The loop from x_dtype to y_dtype (kFloat32, kInt8, kUInt8); null for any other type.
ConvertLoop convert_loop(DType x_dtype, DType y_dtype, CpuIsa isa);

/// Converts a whole tensor on all threads. Fails with `unsupported` for other element types. x and
/// y must not overlap unless they are the same memory, order, stride and element size.
Status convert(const ConvertShape& shape, DType x_dtype, const void* x, DType y_dtype, void* y,
               float factor, CpuIsa isa, ThreadPool& pool);

/// The definition, one element at a time. For tests.
void convert_reference(const ConvertShape& shape, DType x_dtype, const void* x, DType y_dtype,
                       void* y, float factor);

/// A u8 image through one 256-entry table per channel, which holds scaling, mean, standard
/// deviation and quantisation computed in double (numerics: quantising a u8 image input). `tables`
/// is [channels][256] of y_dtype (kInt8, kUInt8 or kFloat32).
Status convert_image(const ConvertShape& shape, const std::uint8_t* x, DType y_dtype, void* y,
                     const void* tables, ThreadPool& pool);

/// The tables of convert_image for y = ((x * pixel_scale) - mean[c]) / deviation[c], quantised by
/// `y_scale` (true division, clamp, round half even) if y_dtype is INT8.
void make_image_tables(std::int64_t channels, double pixel_scale, const double* mean,
                       const double* deviation, DType y_dtype, float y_scale, void* tables);

}  // namespace xinfer::kernels
