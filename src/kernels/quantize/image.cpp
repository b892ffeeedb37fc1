// u8 images through per-channel tables.
#include <cmath>
#include <cstring>

#include "kernels/quantize/quantize.h"

namespace xinfer::kernels {
namespace {

constexpr std::size_t kGrainElements = 1 << 13;

/// Element strides of a tensor in either order.
struct Strides {
  std::int64_t batch, pixel, channel;
};
Strides strides_of(const ConvertShape& s, ChannelOrder order, std::int64_t pixel_stride) {
  if (order == ChannelOrder::kPlanar) return {s.channels * s.pixels, 1, s.pixels};
  return {s.pixels * pixel_stride, pixel_stride, 1};
}

/// `count` pixels of three channels, which is what images have: all three in one walk.
template <typename T>
void rgb_run(const std::uint8_t* x, const Strides& xs, T* y, const Strides& ys, const T* tables,
             std::int64_t count) {
  for (std::int64_t k = 0; k < count; ++k) {
    const std::uint8_t* from = x + k * xs.pixel;
    T* to = y + k * ys.pixel;
    to[0] = tables[from[0]];
    to[ys.channel] = tables[256 + from[xs.channel]];
    to[2 * ys.channel] = tables[512 + from[2 * xs.channel]];
  }
}

template <typename T>
void channel_run(const std::uint8_t* x, std::int64_t x_stride, T* y, std::int64_t y_stride,
                 const T* table, std::int64_t count) {
  for (std::int64_t k = 0; k < count; ++k) y[k * y_stride] = table[x[k * x_stride]];
}

template <typename T>
void image_rows(const ConvertShape& s, const std::uint8_t* x, T* y, const T* tables,
                ThreadPool& pool) {
  const Strides xs = strides_of(s, s.x_order, s.x_pixel_stride);
  const Strides ys = strides_of(s, s.y_order, s.y_pixel_stride);
  const std::int64_t channels = s.channels;
  pool.parallel_ranges(static_cast<std::size_t>(s.batch * s.pixels),
                       kGrainElements / static_cast<std::size_t>(channels) + 1,
                       [&](std::size_t begin, std::size_t end) {
                         for (std::size_t i = begin; i < end;) {
                           const auto n = static_cast<std::int64_t>(i) / s.pixels;
                           const auto p = static_cast<std::int64_t>(i) % s.pixels;
                           const auto left = static_cast<std::int64_t>(end - i);
                           const std::int64_t count = s.pixels - p < left ? s.pixels - p : left;
                           const std::uint8_t* from = x + n * xs.batch + p * xs.pixel;
                           T* to = y + n * ys.batch + p * ys.pixel;
                           if (channels == 3) {
                             rgb_run(from, xs, to, ys, tables, count);
                           } else {
                             for (std::int64_t c = 0; c < channels; ++c) {
                               channel_run(from + c * xs.channel, xs.pixel, to + c * ys.channel,
                                           ys.pixel, tables + 256 * c, count);
                             }
                           }
                           i += static_cast<std::size_t>(count);
                         }
                       });
}

}  // namespace

Status convert_image(const ConvertShape& shape, const std::uint8_t* x, DType y_dtype, void* y,
                     const void* tables, ThreadPool& pool) {
  if (shape.batch * shape.pixels * shape.channels == 0) return {};
  switch (y_dtype) {
    case DType::kInt8:
    case DType::kUInt8:
      image_rows(shape, x, static_cast<std::uint8_t*>(y), static_cast<const std::uint8_t*>(tables),
                 pool);
      return {};
    case DType::kFloat32:
      image_rows(shape, x, static_cast<float*>(y), static_cast<const float*>(tables), pool);
      return {};
    default:
      return unsupported("image conversion to {}; supported: float32, int8, uint8",
                         to_string(y_dtype));
  }
}

void make_image_tables(std::int64_t channels, double pixel_scale, const double* mean,
                       const double* deviation, DType y_dtype, float y_scale, void* tables) {
  const double low = y_dtype == DType::kInt8 ? -128.0 : 0.0;
  const double high = y_dtype == DType::kInt8 ? 127.0 : 255.0;
  for (std::int64_t c = 0; c < channels; ++c) {
    for (int value = 0; value < 256; ++value) {
      const double x = (value * pixel_scale - mean[c]) / deviation[c];
      const std::int64_t at = 256 * c + value;
      if (y_dtype == DType::kFloat32) {
        static_cast<float*>(tables)[at] = static_cast<float>(x);
        continue;
      }
      const double y = x / static_cast<double>(y_scale);
      const double clamped = y > low ? (y < high ? y : high) : low;
      static_cast<std::uint8_t*>(tables)[at] =
          static_cast<std::uint8_t>(static_cast<int>(std::nearbyint(clamped)));
    }
  }
}

}  // namespace xinfer::kernels
