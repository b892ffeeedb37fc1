// How CUDA convolution kernels hold weights, and packing into that form.
//
// Per group [rows][ky][kx][channels], a row holding the weights of one output channel. Rows are
// permuted within blocks of `permutation` rows: a thread of an mma or wgmma owns columns 2q and
// 2q + 1 (q = lane % 4) of every 8, so row 8j + 2q + e holds channel (permutation / 4) q + 2j + e
// of the block, and the thread's results are permutation / 4 consecutive channels. One packing
// serves every tactic, whatever its tile. Channels of a group fill whole 16-byte granules; groups
// with fewer are merged into one with block-diagonal weights. Rows and channels added this way are
// zero.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/conv/conv.h"
#include "xinfer/core/dtype.h"

namespace xinfer::kernels::cuda {

struct ConvLayout {
  int element_bytes = 1;
  std::int64_t groups = 1;              ///< after merging
  std::int64_t merged = 1;              ///< groups of the layer in each of these
  std::int64_t group_in_channels = 16;  ///< a multiple of 16 bytes
  std::int64_t group_out_channels = 1;
  /// group_out_channels, and in the last group what rounds the layer's up to 16, rounded up to
  /// `permutation`.
  std::int64_t group_rows = 16;
  int permutation = 16;  ///< 16, 32 or 64
  std::int64_t taps = 1;

  std::int64_t row_bytes() const { return taps * group_in_channels * element_bytes; }
  std::size_t weight_bytes() const {
    return static_cast<std::size_t>(groups * group_rows * row_bytes());
  }
  /// Length of the packed multiplier and bias arrays.
  std::int64_t table_length() const { return groups * group_rows; }
};

/// The layout of a layer whose activations have type `input` (int8, uint8, float16, float32).
ConvLayout conv_layout(const ConvShape& shape, DType input);

/// Packs weights [out_channels, kernel_h, kernel_w, in_channels / groups], elements of
/// layout.element_bytes bytes, into layout.weight_bytes() bytes.
void pack_conv_weights(const ConvShape& shape, const ConvLayout& layout, const void* weights,
                       void* packed);

/// Spreads one value an output channel (multiplier or bias) to table_length() values; unused rows
/// get 0.
void pack_conv_table(const ConvLayout& layout, std::span<const float> values, float* packed);

}  // namespace xinfer::kernels::cuda
