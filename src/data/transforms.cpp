// Geometry, colour and normalisation of images.
#include "data/transforms.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace xinfer {
namespace {

/// value / 2 rounded half to even, for value >= 0.
int half_to_even(int value) { return value / 2 + (value % 4 == 3 ? 1 : 0); }

/// Rounded half to even, at least 1.
int rounded_size(double value) { return std::max(1, static_cast<int>(std::nearbyint(value))); }

/// `in` as a pixel array of three channels; `map(in, out)` converts one pixel.
template <typename Map>
Image map_pixels(const Image& image, int out_channels, const Map& map) {
  Image result(image.width, image.height, out_channels);
  const std::uint8_t* in = image.pixels.data();
  const std::uint8_t* const end = in + image.pixels.size();
  for (std::uint8_t* out = result.pixels.data(); in != end;
       in += image.channels, out += out_channels) {
    map(in, out);
  }
  return result;
}

}  // namespace

Result<Window> center_window(Size2d image, Size2d crop, CropRounding rounding) {
  if (crop.width > image.width || crop.height > image.height) {
    return invalid_argument("a crop of {}x{} does not fit into an image of {}x{}", crop.width,
                            crop.height, image.width, image.height);
  }
  const int spare_width = image.width - crop.width, spare_height = image.height - crop.height;
  if (rounding == CropRounding::kDown) {
    return Window{spare_width / 2, spare_height / 2, crop.width, crop.height};
  }
  return Window{half_to_even(spare_width), half_to_even(spare_height), crop.width, crop.height};
}

Image crop(const Image& image, const Window& window) {
  Image result(window.width, window.height, image.channels);
  const std::size_t offset =
      static_cast<std::size_t>(window.left) * static_cast<std::size_t>(image.channels);
  for (int y = 0; y < window.height; ++y) {
    std::memcpy(result.row(y), image.row(window.top + y) + offset, result.row_bytes());
  }
  return result;
}

Window letterbox_window(Size2d image, const LetterboxOptions& options) {
  const Size2d canvas = options.size;
  const double ratio = std::min(static_cast<double>(canvas.width) / image.width,
                                static_cast<double>(canvas.height) / image.height);
  const int width = rounded_size(image.width * ratio);
  const int height = rounded_size(image.height * ratio);
  if (options.placement == Placement::kTopLeft) return {0, 0, width, height};
  return {(canvas.width - width) / 2, (canvas.height - height) / 2, width, height};
}

Image letterbox(const Image& image, const LetterboxOptions& options) {
  const Window window = letterbox_window(size_of(image), options);
  const Image scaled = resize(image, {window.width, window.height}, options.filter);
  Image canvas(options.size.width, options.size.height, image.channels);
  std::fill(canvas.pixels.begin(), canvas.pixels.end(), options.fill);
  const std::size_t offset =
      static_cast<std::size_t>(window.left) * static_cast<std::size_t>(image.channels);
  for (int y = 0; y < window.height; ++y) {
    std::memcpy(canvas.row(window.top + y) + offset, scaled.row(y), scaled.row_bytes());
  }
  return canvas;
}

Image to_gray(const Image& rgb) {
  if (rgb.channels == 1) return rgb;
  return map_pixels(rgb, 1, [](const std::uint8_t* in, std::uint8_t* out) {
    *out = static_cast<std::uint8_t>((19595 * in[0] + 38470 * in[1] + 7471 * in[2] + 32768) >> 16);
  });
}

Image to_three_channels(const Image& image) {
  if (image.channels == 3) return image;
  return map_pixels(
      image, 3, [](const std::uint8_t* in, std::uint8_t* out) { out[0] = out[1] = out[2] = *in; });
}

Image swap_red_blue(const Image& image) {
  if (image.channels == 1) return image;
  return map_pixels(image, 3, [](const std::uint8_t* in, std::uint8_t* out) {
    out[0] = in[2];
    out[1] = in[1];
    out[2] = in[0];
  });
}

NormalizeTable normalize_table(int channels, double scale, std::span<const double> mean,
                               std::span<const double> std) {
  NormalizeTable table(static_cast<std::size_t>(channels));
  for (std::size_t c = 0; c < table.size(); ++c) {
    const double m = mean[mean.size() == 1 ? 0 : c];
    const double s = std[std.size() == 1 ? 0 : c];
    for (int v = 0; v < 256; ++v) {
      table[c][static_cast<std::size_t>(v)] = static_cast<float>((v * scale - m) / s);
    }
  }
  return table;
}

void to_planes(const Image& image, const Window& window, const NormalizeTable& table, float* out) {
  for (int c = 0; c < image.channels; ++c) {
    const float* values = table[static_cast<std::size_t>(c)].data();
    for (int y = 0; y < window.height; ++y, out += window.width) {
      const std::uint8_t* in =
          image.row(window.top + y) + std::ptrdiff_t{window.left} * image.channels + c;
      for (int x = 0; x < window.width; ++x, in += image.channels) out[x] = values[*in];
    }
  }
}

void to_interleaved(const Image& image, const Window& window, const NormalizeTable& table,
                    float* out) {
  for (int y = 0; y < window.height; ++y) {
    const std::uint8_t* in =
        image.row(window.top + y) + std::ptrdiff_t{window.left} * image.channels;
    for (int x = 0; x < window.width; ++x) {
      for (std::size_t c = 0; c < table.size(); ++c) *out++ = table[c][*in++];
    }
  }
}

}  // namespace xinfer
