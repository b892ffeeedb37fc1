// direct_depthwise.h over a vector type: one FMA chain over the taps in (ky, kx) order for every
// output. Internal linkage: built per instruction set.
#pragma once

#include <algorithm>

#include "kernels/depthwise/direct_depthwise.h"

namespace xinfer::kernels {
namespace {

/// Some neighbouring output pixels and the kernel columns that lie inside the image for all of
/// them.
struct DirectPixels {
  std::int64_t first = 0;
  std::int64_t kx_begin = 0, kx_end = 0;
};

/// kPixels output pixels, channels from `c` on: a whole vector of them, or `count`.
template <typename Vector, int kPixels, bool kWhole>
inline void compute_direct(const DirectLineCall& call, const DirectPixels& pixels, std::int64_t c,
                           int count) {
  const std::int64_t step = call.stride_w * call.x_pixel;
  const float* weights = call.weights + c;
  typename Vector::Type acc[kPixels];
#pragma GCC unroll 8
  for (int i = 0; i < kPixels; ++i) acc[i] = Vector::zero();
  for (std::int64_t ky = 0; ky < call.kernel_lines; ++ky) {
    const float* line = call.lines[ky] + c;
    for (std::int64_t kx = pixels.kx_begin; kx < pixels.kx_end; ++kx) {
      const std::int64_t column =
          pixels.first * call.stride_w - call.pad_left + kx * call.dilation_w;
      const float* x = line + column * call.x_pixel;
      const typename Vector::Type w = Vector::load(weights + kx * call.period);
#pragma GCC unroll 8
      for (int i = 0; i < kPixels; ++i) {
        const float* at = x + i * step;
        acc[i] = Vector::fma(kWhole ? Vector::load(at) : Vector::load(at, count), w, acc[i]);
      }
    }
    weights += call.kernel_w * call.period;
  }
  float* y = call.y + pixels.first * call.y_pixel + c;
  const bool finishes = call.bias != nullptr;
  const typename Vector::Type bias = !finishes ? Vector::zero()
                                     : kWhole  ? Vector::load(call.bias + c)
                                               : Vector::load(call.bias + c, count);
#pragma GCC unroll 8
  for (int i = 0; i < kPixels; ++i) {
    if (finishes) acc[i] = Vector::clamp(Vector::add(acc[i], bias), call.low, call.high);
    kWhole ? Vector::store(y + i * call.y_pixel, acc[i])
           : Vector::store(y + i * call.y_pixel, acc[i], count);
  }
}

template <typename Vector, int kPixels>
inline void compute_channels(const DirectLineCall& call, const DirectPixels& pixels) {
  std::int64_t c = 0;
  for (; c + Vector::kLanes <= call.channels; c += Vector::kLanes) {
    compute_direct<Vector, kPixels, true>(call, pixels, c, Vector::kLanes);
  }
  if (c < call.channels) {
    compute_direct<Vector, kPixels, false>(call, pixels, c, static_cast<int>(call.channels - c));
  }
}

/// A pixel some of whose taps may lie outside the image.
template <typename Vector>
inline void compute_border(const DirectLineCall& call, std::int64_t pixel) {
  const std::int64_t left = call.pad_left - pixel * call.stride_w;  // columns outside
  const std::int64_t end = call.in_w + left;
  const auto taps_before = [&](std::int64_t column) {
    return std::clamp<std::int64_t>((column + call.dilation_w - 1) / call.dilation_w, 0,
                                    call.kernel_w);
  };
  const std::int64_t begin = taps_before(std::max<std::int64_t>(left, 0));
  compute_channels<Vector, 1>(
      call, {pixel, begin, std::max(begin, taps_before(std::max<std::int64_t>(end, 0)))});
}

template <typename Vector>
inline void direct_line(const DirectLineCall& call) {
  const std::int64_t reach = (call.kernel_w - 1) * call.dilation_w;
  const std::int64_t inside = call.in_w - 1 - reach + call.pad_left;  // the last first column
  const std::int64_t end = inside < 0 ? 0 : std::min(call.out_w, inside / call.stride_w + 1);
  const std::int64_t begin = std::min((call.pad_left + call.stride_w - 1) / call.stride_w, end);
  std::int64_t pixel = 0;
  const auto whole = [&] { return DirectPixels{pixel, 0, call.kernel_w}; };
  for (; pixel < begin; ++pixel) compute_border<Vector>(call, pixel);
  for (; pixel + 8 <= end; pixel += 8) compute_channels<Vector, 8>(call, whole());
  for (; pixel + 4 <= end; pixel += 4) compute_channels<Vector, 4>(call, whole());
  for (; pixel + 2 <= end; pixel += 2) compute_channels<Vector, 2>(call, whole());
  for (; pixel < end; ++pixel) compute_channels<Vector, 1>(call, whole());
  for (; pixel < call.out_w; ++pixel) compute_border<Vector>(call, pixel);
}

}  // namespace
}  // namespace xinfer::kernels
