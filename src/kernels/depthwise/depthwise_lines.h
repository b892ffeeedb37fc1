// The ring of bordered input lines that depthwise micro-kernels read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/depthwise/depthwise_kernel.h"

namespace xinfer::kernels {

/// A line holds stride_w planes; plane q has the padded pixels q, q + stride_w, …, so that a tap of
/// all output pixels is one contiguous run. Borders are filled once: lines only ever receive the
/// pixels inside the image. Used by one thread.
class DepthwiseLines {
 public:
  DepthwiseLines(const ConvShape& shape, ConvType type, const DepthwiseLayout& layout, int lines);

  /// Forgets all lines: the input may have changed.
  void start_image(const std::byte* image);
  /// Pointers to position 0 of the taps of input line `iy` (outside the image: padding), copying
  /// the line if it is not there. Up to `lines` consecutive lines stay valid together.
  void tap_pointers(std::int64_t iy, const std::byte** taps);

 private:
  void copy_line(const std::byte* from, std::byte* line) const;
  void copy_plane(const std::byte* from, std::byte* line, std::int64_t first,
                  std::int64_t pixels) const;
  void spread_pixel(const std::byte* from, std::byte* to) const;

  ConvShape shape_;
  bool shift_;  ///< s8 to u8 by adding 128
  std::int64_t element_;
  std::int64_t pitch_bytes_;
  std::int64_t line_taps_;
  std::size_t plane_bytes_;
  std::size_t line_bytes_;
  const std::byte* image_ = nullptr;
  std::shared_ptr<void> memory_;        ///< ring, then one line of padding
  std::vector<std::int64_t> contents_;  ///< input line in each place of the ring, -1: none
};

}  // namespace xinfer::kernels
