// Geometry, colour and normalisation of images. Pure functions on 8-bit images; the last step gives
// floats.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "core/status.h"
#include "data/resize.h"
#include "xinfer/data/image.h"

namespace xinfer {

inline Size2d size_of(const Image& image) { return {image.width, image.height}; }

/// What becomes of half a pixel in a centred window's offset.
enum class CropRounding {
  kHalfToEven,  ///< torchvision's CenterCrop
  kDown,        ///< Pillow and OpenCV recipes, --preprocess
};

/// The centred window of size `crop` in an image of size `image`, its offset (image - crop) / 2.
/// Fails with invalid_argument, naming both sizes, if the crop is larger.
Result<Window> center_window(Size2d image, Size2d crop,
                             CropRounding rounding = CropRounding::kHalfToEven);

/// The pixels of `window`, which lies within the image.
Image crop(const Image& image, const Window& window);

/// Where a letterboxed image lies on its canvas.
enum class Placement { kCenter, kTopLeft };

/// Scaling an image to fit a canvas and filling what remains.
struct LetterboxOptions {
  Size2d size;  ///< The canvas.
  Placement placement = Placement::kCenter;
  std::uint8_t fill = 114;
  ResizeFilter filter = ResizeFilter::kBilinear;
};

/// The window of the canvas that an image of size `image` is scaled to: by the smaller of both
/// ratios, up or down, rounded half to even. Centred, an odd remainder puts the smaller half left
/// and above, as YOLOv5 does.
Window letterbox_window(Size2d image, const LetterboxOptions& options);

Image letterbox(const Image& image, const LetterboxOptions& options);

/// Pillow's `convert("L")`: (19595 R + 38470 G + 7471 B + 32768) >> 16, the luma of ITU-R BT.601
/// and within 1 of the Y of `convert("YCbCr")`. A gray image stays as it is.
Image to_gray(const Image& rgb);

/// A gray image three times; three channels stay as they are.
Image to_three_channels(const Image& image);

/// Red and blue exchanged; a gray image stays as it is.
Image swap_red_blue(const Image& image);

/// The float of every byte, for each channel: the affine map of normalisation, computed in double
/// and rounded once.
using NormalizeTable = std::vector<std::array<float, 256>>;

/// float((v * scale - mean[c]) / std[c]) for v in 0..255. A single mean or std serves all channels.
NormalizeTable normalize_table(int channels, double scale, std::span<const double> mean,
                               std::span<const double> std);

/// Writes the pixels of `window` as planes [C, H, W]. `table` has one row a channel.
void to_planes(const Image& image, const Window& window, const NormalizeTable& table, float* out);

/// Writes the pixels of `window` as [H, W, C].
void to_interleaved(const Image& image, const Window& window, const NormalizeTable& table,
                    float* out);

}  // namespace xinfer
