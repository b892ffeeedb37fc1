// Max pooling that also says where each maximum was.
#include <limits>

#include "kernels/pool/pool.h"
#include "kernels/pool/window.h"

namespace xinfer::kernels {
namespace {

template <typename T>
void pool_pixel(const PoolShape& s, const T* x, T* y, std::int64_t* indices, bool column_major,
                std::int64_t p) {
  const std::int64_t image = p / (s.width.out * s.height.out * s.depth.out);
  const PoolSpan dw = pool_span(s.width, p % s.width.out);
  const PoolSpan dh = pool_span(s.height, p / s.width.out % s.height.out);
  const PoolSpan dd = pool_span(s.depth, p / (s.width.out * s.height.out) % s.depth.out);
  const std::int64_t pixels = s.depth.in * s.height.in * s.width.in;
  for (std::int64_t c = 0; c < s.channels; ++c) {
    T best = std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity()
                                                  : std::numeric_limits<T>::lowest();
    std::int64_t where = -1;
    for (std::int64_t i = 0; i < dd.count * dh.count * dw.count; ++i) {
      const std::int64_t w = dw.first + i % dw.count * s.width.dilation;
      const std::int64_t h = dh.first + i / dw.count % dh.count * s.height.dilation;
      const std::int64_t d = dd.first + i / (dw.count * dh.count) * s.depth.dilation;
      const std::int64_t pixel = (d * s.height.in + h) * s.width.in + w;
      const T value = x[(image * pixels + pixel) * s.x_pixel_stride + c];
      if (where >= 0 && !(value > best)) continue;
      best = value;
      where = column_major ? (w * s.height.in + h) * s.depth.in + d : pixel;
    }
    y[p * s.y_pixel_stride + c] = best;
    indices[p * s.channels + c] = where < 0 ? -1 : (image * s.channels + c) * pixels + where;
  }
}

template <typename T>
void pool_all(const PoolShape& s, const void* x, void* y, std::int64_t* indices, bool column_major,
              ThreadPool& pool) {
  const std::int64_t pixels = s.batch * s.depth.out * s.height.out * s.width.out;
  pool.parallel_ranges(static_cast<std::size_t>(pixels), 16,
                       [&](std::size_t begin, std::size_t end) {
                         for (; begin < end; ++begin) {
                           pool_pixel(s, static_cast<const T*>(x), static_cast<T*>(y), indices,
                                      column_major, static_cast<std::int64_t>(begin));
                         }
                       });
}

}  // namespace

Status max_pool_with_indices(const PoolShape& shape, DType dtype, const void* x, void* y,
                             std::int64_t* indices, bool column_major, ThreadPool& pool) {
  switch (dtype) {
    case DType::kFloat32:
      pool_all<float>(shape, x, y, indices, column_major, pool);
      return {};
    case DType::kInt8:
      pool_all<std::int8_t>(shape, x, y, indices, column_major, pool);
      return {};
    case DType::kUInt8:
      pool_all<std::uint8_t>(shape, x, y, indices, column_major, pool);
      return {};
    default:
      return unsupported("max pooling of {}; supported: float32, int8, uint8", to_string(dtype));
  }
}

}  // namespace xinfer::kernels
