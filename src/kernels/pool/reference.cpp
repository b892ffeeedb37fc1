// Pooling straight from the definitions, for tests: every tap is tested against the input's
// borders.
#include <cmath>
#include <cstdint>
#include <limits>

#include "kernels/pool/pool.h"

namespace xinfer::kernels {
namespace {

float load(DType dtype, const void* x, std::int64_t at) {
  if (dtype == DType::kFloat32) return static_cast<const float*>(x)[at];
  if (dtype == DType::kInt8) return static_cast<const std::int8_t*>(x)[at];
  return static_cast<const std::uint8_t*>(x)[at];
}

void store(DType dtype, void* y, std::int64_t at, float value) {
  if (dtype == DType::kFloat32) {
    static_cast<float*>(y)[at] = value;
  } else if (dtype == DType::kInt8) {
    const float clamped = std::fmin(std::fmax(value, -128.0f), 127.0f);
    static_cast<std::int8_t*>(y)[at] = static_cast<std::int8_t>(std::nearbyint(clamped));
  } else {
    const float clamped = std::fmin(std::fmax(value, 0.0f), 255.0f);
    static_cast<std::uint8_t*>(y)[at] = static_cast<std::uint8_t>(std::nearbyint(clamped));
  }
}

bool inside(std::int64_t at, std::int64_t begin, std::int64_t end) {
  return at >= begin && at < end;
}

/// Calls pixel(n, od, oh, ow, y_pixel) for every output pixel.
template <typename Pixel>
void for_pixels(const PoolShape& s, const Pixel& pixel) {
  std::int64_t y = 0;
  for (std::int64_t n = 0; n < s.batch; ++n) {
    for (std::int64_t d = 0; d < s.depth.out; ++d) {
      for (std::int64_t h = 0; h < s.height.out; ++h) {
        for (std::int64_t w = 0; w < s.width.out; ++w) pixel(n, d, h, w, y++);
      }
    }
  }
}

/// Calls tap(x_pixel or -1 in the padding, ends_row) for every tap that lies in the padded input.
template <typename Tap>
void for_taps(const PoolShape& s, std::int64_t n, std::int64_t od, std::int64_t oh, std::int64_t ow,
              const Tap& tap) {
  const PoolAxis &a = s.depth, &b = s.height, &c = s.width;
  for (std::int64_t i = 0; i < a.kernel; ++i) {
    const std::int64_t d = od * a.stride - a.pad_begin + i * a.dilation;
    for (std::int64_t j = 0; j < b.kernel; ++j) {
      const std::int64_t h = oh * b.stride - b.pad_begin + j * b.dilation;
      for (std::int64_t k = 0; k < c.kernel; ++k) {
        const std::int64_t w = ow * c.stride - c.pad_begin + k * c.dilation;
        const bool padded = inside(d, -a.pad_begin, a.in + a.pad_end) &&
                            inside(h, -b.pad_begin, b.in + b.pad_end) &&
                            inside(w, -c.pad_begin, c.in + c.pad_end);
        const bool real = inside(d, 0, a.in) && inside(h, 0, b.in) && inside(w, 0, c.in);
        if (padded) tap(real ? ((n * a.in + d) * b.in + h) * c.in + w : -1);
        if (k == c.kernel - 1) tap(-2);
      }
    }
  }
}

}  // namespace

void max_pool_reference(const PoolShape& s, DType dtype, const void* x, void* y) {
  for_pixels(
      s, [&](std::int64_t n, std::int64_t d, std::int64_t h, std::int64_t w, std::int64_t pixel) {
        for (std::int64_t c = 0; c < s.channels; ++c) {
          float best = -std::numeric_limits<float>::infinity();
          for_taps(s, n, d, h, w, [&](std::int64_t at) {
            if (at >= 0) best = std::fmax(best, load(dtype, x, at * s.x_pixel_stride + c));
          });
          store(dtype, y, pixel * s.y_pixel_stride + c, best);
        }
      });
}

void average_pool_reference(const PoolShape& s, const AveragePoolParameters& p, const void* x,
                            void* y) {
  for_pixels(s, [&](std::int64_t n, std::int64_t d, std::int64_t h, std::int64_t w,
                    std::int64_t pixel) {
    for (std::int64_t c = 0; c < s.channels; ++c) {
      float total = 0, row = 0;
      std::int64_t sum = 0, count = 0;
      for_taps(s, n, d, h, w, [&](std::int64_t at) {
        if (at == -2) {
          total += row;
          row = 0;
          return;
        }
        count += at >= 0 || p.count_include_pad;
        if (at < 0) return;
        const float value = load(p.x_dtype, x, at * s.x_pixel_stride + c);
        row += value;
        if (p.x_dtype != DType::kFloat32) sum += static_cast<std::int64_t>(value);
      });
      if (count == 0) count = 1;
      float result = total / static_cast<float>(count);
      if (p.x_dtype != DType::kFloat32) {
        double ratio = static_cast<double>(p.x_scale);
        if (p.y_dtype != DType::kFloat32) ratio /= static_cast<double>(p.y_scale);
        result = static_cast<float>(sum) * static_cast<float>(ratio / static_cast<double>(count));
      }
      store(p.y_dtype, y, pixel * s.y_pixel_stride + c, result);
    }
  });
}

}  // namespace xinfer::kernels
