// What tables make of u8 images, by definition.
#pragma once

#include <cstdint>
#include <vector>

#include "xinfer/core/dtype.h"

namespace xinfer::gpu {

/// Images [batch, h, w, channels], and the pixels that blocks of `block` x `block` of theirs make,
/// each `pitch` elements.
struct ImageBlocks {
  std::int64_t batch = 1, h = 1, w = 1, channels = 1, block = 1, pitch = 1;

  std::int64_t out_h() const { return (h + block - 1) / block; }
  std::int64_t out_w() const { return (w + block - 1) / block; }
};

/// The output of type `output`; what no pixel of an image makes is 0. Tables are [channels][256] of
/// kernels::cuda::image_table_type(output).
std::vector<std::uint8_t> through_tables(const ImageBlocks& image,
                                         const std::vector<std::uint8_t>& pixels,
                                         const std::vector<std::uint8_t>& tables, DType output);

}  // namespace xinfer::gpu
