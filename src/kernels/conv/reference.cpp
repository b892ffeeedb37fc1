// Convolution straight from its definition.
#include <cmath>

#include "kernels/conv/conv.h"
#include "kernels/conv/reference_epilogue.h"

namespace xinfer::kernels {
namespace {

/// Visits the taps of one output pixel in (ky, kx) order: visit(tap, x of the tap's pixel, or null
/// where it lies in the padding).
template <typename Element, typename Visit>
void for_each_tap(const ConvShape& s, const Element* x, std::int64_t pixel, const Visit& visit) {
  const std::int64_t image = pixel / (s.out_h * s.out_w);
  const std::int64_t oy = pixel / s.out_w % s.out_h;
  const std::int64_t ox = pixel % s.out_w;
  for (std::int64_t ky = 0; ky < s.kernel_h; ++ky) {
    for (std::int64_t kx = 0; kx < s.kernel_w; ++kx) {
      const std::int64_t iy = oy * s.stride_h - s.pad_top + ky * s.dilation_h;
      const std::int64_t ix = ox * s.stride_w - s.pad_left + kx * s.dilation_w;
      const bool inside = iy >= 0 && iy < s.in_h && ix >= 0 && ix < s.in_w;
      visit(ky * s.kernel_w + kx,
            inside ? x + ((image * s.in_h + iy) * s.in_w + ix) * s.x_pixel_stride : nullptr);
    }
  }
}

template <typename Element>
std::int32_t accumulate_int8(const ConvShape& s, const Element* x, const std::int8_t* weights,
                             std::int64_t pixel, std::int64_t n) {
  const std::int64_t channels = s.in_channels / s.groups;
  const std::int64_t first = n / (s.out_channels / s.groups) * channels;
  const std::int8_t* w = weights + n * s.kernel_h * s.kernel_w * channels;
  std::int64_t sum = 0;
  for_each_tap(s, x, pixel, [&](std::int64_t tap, const Element* at) {
    for (std::int64_t c = 0; at != nullptr && c < channels; ++c) {
      sum += std::int64_t{at[first + c]} * w[tap * channels + c];
    }
  });
  return static_cast<std::int32_t>(sum);
}

/// Padding takes part as zeros, so that a non-finite weight shows there too.
float accumulate_float(const ConvShape& s, const float* x, const float* weights, std::int64_t pixel,
                       std::int64_t n) {
  const std::int64_t channels = s.in_channels / s.groups;
  const std::int64_t first = n / (s.out_channels / s.groups) * channels;
  const float* w = weights + n * s.kernel_h * s.kernel_w * channels;
  float sum = 0.0f;
  for_each_tap(s, x, pixel, [&](std::int64_t tap, const float* at) {
    for (std::int64_t c = 0; c < channels; ++c) {
      sum = std::fma(at == nullptr ? 0.0f : at[first + c], w[tap * channels + c], sum);
    }
  });
  return sum;
}

}  // namespace

void convolution_reference(const ConvShape& shape, ConvType type, const void* x,
                           const void* weights, void* y, const Epilogue& epilogue) {
  for (std::int64_t pixel = 0; pixel < shape.pixels(); ++pixel) {
    for (std::int64_t n = 0; n < shape.out_channels; ++n) {
      float value = 0.0f;
      if (type == ConvType::kF32) {
        value = reference_scale(epilogue,
                                accumulate_float(shape, static_cast<const float*>(x),
                                                 static_cast<const float*>(weights), pixel, n),
                                n);
      } else {
        const auto* w = static_cast<const std::int8_t*>(weights);
        const std::int32_t acc =
            type == ConvType::kU8S8
                ? accumulate_int8(shape, static_cast<const std::uint8_t*>(x), w, pixel, n)
                : accumulate_int8(shape, static_cast<const std::int8_t*>(x), w, pixel, n);
        value = reference_scale(epilogue, acc, n);
      }
      value = reference_steps(epilogue, value, pixel, n);
      reference_store(epilogue, value, y, pixel * shape.y_pixel_stride + n);
    }
  }
}

}  // namespace xinfer::kernels
