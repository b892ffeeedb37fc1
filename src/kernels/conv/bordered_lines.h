// Input lines copied into a block with their borders, as micro-kernels read them tap by tap: each
// byte is copied once where gathering rows would copy it once a tap.
//
// Line pitch in_w + border; the right border of a line is the left border of the next.
#pragma once

#include <memory>
#include <vector>

#include "kernels/conv/column_blocks.h"
#include "kernels/conv/gemm_kernel.h"

namespace xinfer::kernels {

class BorderedLines {
 public:
  /// `x` is the whole input; elements are converted to what `format` says.
  BorderedLines(const ConvShape& shape, ConvType type, RowFormat format, const std::byte* x);

  /// Another input of the same shape.
  void set_input(const std::byte* x) { x_ = x; }

  /// Positions from one line to the next.
  std::int64_t pitch() const { return pitch_; }
  /// Bytes from one position to the next: the channels of a group.
  std::int64_t position_bytes() const { return channels_ * element_bytes_ * growth_; }
  std::int64_t line_bytes() const { return pitch_ * position_bytes(); }
  /// Input lines under `lines` output lines.
  std::int64_t input_lines(std::int64_t lines) const {
    return (lines - 1) * shape_.stride_h + 1 + extra_lines_;
  }
  /// Output lines whose input lines take at most `bytes`, at least 1, at most an image.
  std::int64_t lines_within(std::int64_t bytes) const;
  /// Room for `lines` output lines and what kernels read around them.
  std::size_t block_bytes(std::int64_t lines) const;

  /// Copies what lies under output lines [first_line, first_line + lines) of one image, counted
  /// over all images.
  void copy(std::int64_t group, std::int64_t first_line, std::int64_t lines,
            std::byte* block) const;

 private:
  std::byte* pad(std::byte* to, std::int64_t positions) const;
  std::byte* convert(const std::byte* from, std::byte* to, std::int64_t elements) const;

  ConvShape shape_;
  const std::byte* x_;
  std::int64_t element_bytes_;  ///< in memory
  std::int64_t growth_;         ///< 2 where bytes are widened
  bool is_signed_;
  bool shifted_;           ///< s8 becomes u8 by adding 128
  std::int64_t channels_;  ///< of a group
  std::int64_t pitch_;
  std::int64_t extra_lines_;  ///< input lines a block has more than output lines
};

/// INT8 panels of which every kernel line begins at a whole step, `steps` a line: a copy, for the
/// few KB of layers whose lines do not. Offsets of `columns` and `panel_bytes` become the copy's.
std::shared_ptr<void> align_line_weights(const ConvShape& shape, const std::byte* weights,
                                         std::int64_t steps, std::vector<ColumnBlock>& columns,
                                         std::size_t& panel_bytes);

}  // namespace xinfer::kernels
