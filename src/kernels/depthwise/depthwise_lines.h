// The ring of bordered input lines that depthwise micro-kernels read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/depthwise/depthwise_kernel.h"

namespace xinfer::kernels {

/// Pixels `first`, `first` + `step`, … of an input line: they lie one behind the other,
/// `offset_bytes` into a line of the ring.
struct LinePlane {
  std::int64_t first = 0;
  std::int64_t step = 1;
  std::int64_t pixels = 0;
  std::size_t offset_bytes = 0;
};

/// Computes input lines where the taps are read, instead of their being copied from an image.
class LineSource {
 public:
  virtual ~LineSource() = default;
  /// Writes the planes of input line `iy` into a line of the ring, INT8 as its type says: it is
  /// shifted afterwards. Of `count` lines, if a line is one plane of all its pixels: each behind
  /// the one before.
  virtual void write_lines(std::int64_t iy, std::int64_t count, std::byte* lines) = 0;
};

/// A line holds stride_w planes; plane q has the padded pixels q, q + stride_w, …, so that a tap of
/// all output pixels is one contiguous run. Borders are filled once: lines only ever receive the
/// pixels inside the image. Used by one thread.
class DepthwiseLines {
 public:
  DepthwiseLines(const ConvShape& shape, ConvType type, const DepthwiseLayout& layout, int lines);

  /// Takes lines from `source` from now on, which must outlive this and has a channel of its own
  /// for every channel of y; null: from the image.
  void set_source(LineSource* source) { source_ = source; }
  /// What a source writes; pixels have the layout's pitch.
  const std::vector<LinePlane>& planes() const { return planes_; }

  /// Forgets all lines: the input may have changed.
  void start_image(const std::byte* image);
  /// Pointers to position 0 of the taps of input line `iy` (outside the image: padding), fetching
  /// the line if it is not there. Up to `lines` consecutive lines stay valid together.
  void tap_pointers(std::int64_t iy, const std::byte** taps);

 private:
  void copy_line(const std::byte* from, std::byte* line) const;
  void copy_plane(const std::byte* from, std::byte* line, const LinePlane& plane) const;
  void shift_line(std::byte* line) const;
  void spread_pixel(const std::byte* from, std::byte* to) const;

  ConvShape shape_;
  bool shift_;  ///< s8 to u8 by adding 128
  std::int64_t element_;
  std::int64_t pitch_bytes_;
  std::int64_t line_taps_;
  std::size_t plane_bytes_;
  std::size_t line_bytes_;
  std::vector<LinePlane> planes_;
  const std::byte* image_ = nullptr;
  LineSource* source_ = nullptr;
  std::shared_ptr<void> memory_;        ///< ring, then one line of padding
  std::vector<std::int64_t> contents_;  ///< input line in each place of the ring, -1: none
};

}  // namespace xinfer::kernels
