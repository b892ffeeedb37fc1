// An 8-bit image in host memory, as decoded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace xinfer {

/// Interleaved 8-bit pixels, [height, width, channels] with rows from the top; channels is 1 (gray)
/// or 3 (red, green, blue unless a transform says otherwise).
struct Image {
  int width = 0;
  int height = 0;
  int channels = 0;
  std::vector<std::uint8_t> pixels;  ///< height * width * channels bytes.

  Image() = default;
  /// All pixels are 0.
  Image(int w, int h, int c)
      : width(w),
        height(h),
        channels(c),
        pixels(static_cast<std::size_t>(w) * static_cast<std::size_t>(h) *
               static_cast<std::size_t>(c)) {}

  std::size_t row_bytes() const {
    return static_cast<std::size_t>(width) * static_cast<std::size_t>(channels);
  }
  std::uint8_t* row(int y) { return pixels.data() + static_cast<std::size_t>(y) * row_bytes(); }
  const std::uint8_t* row(int y) const {
    return pixels.data() + static_cast<std::size_t>(y) * row_bytes();
  }
};

}  // namespace xinfer
