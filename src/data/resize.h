// Antialiased resizing as Pillow does it: two passes, the filter widened by the shrinking factor.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/cpu_isa.h"
#include "xinfer/core/tensor.h"
#include "xinfer/data/image.h"

namespace xinfer {

/// The interpolation kernel: the triangle, or Keys' cubic with a = -0.5.
enum class ResizeFilter { kBilinear, kBicubic };

/// "bilinear", "bicubic".
std::string_view to_string(ResizeFilter filter);

/// Width and height in pixels.
struct Size2d {
  int width = 0;
  int height = 0;
  bool operator==(const Size2d&) const = default;
};

/// A rectangle of pixels.
struct Window {
  int left = 0;
  int top = 0;
  int width = 0;
  int height = 0;
};

/// `image` scaled to `size`, byte for byte as `PIL.Image.resize((w, h), BILINEAR or BICUBIC)` of
/// Pillow 13: two passes with coefficients of 22 fractional bits, each rounded to 8 bits; the
/// vertical one is the first where the height loses more than twice as many pixels as the width.
/// (Earlier versions of Pillow always begin with the horizontal pass, which moves bilinear results
/// by at most 1.) Sizes are positive. The result is the same on every instruction set.
Image resize(const Image& image, Size2d size, ResizeFilter filter, CpuIsa isa = best_isa());

/// The part `window` (within `size`) of `resize(image, size, filter)`, without computing the rest.
Image resize_window(const Image& image, Size2d size, ResizeFilter filter, const Window& window,
                    CpuIsa isa = best_isa());

/// The same filter on a float32 tensor [C, H, W], unrounded: [C, size.height, size.width].
Tensor resize(const Tensor& planes, Size2d size, ResizeFilter filter);

/// The size whose shorter side is `shorter`, the longer one cut to an integer, as torchvision does.
Size2d shorter_side_size(Size2d image, int shorter);

}  // namespace xinfer
