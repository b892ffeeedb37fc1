// Gathers the receptive fields of consecutive output pixels into dense rows (im2col of one tile, in
// cache), in the format a micro-kernel wants: borders become padding, s8 becomes shifted u8 or
// int16.
//
// Copying costs 1 / (2 * out_channels) of the arithmetic at most and buys rows of constant stride
// without borders, dense in K whatever the channel count, and no sign handling in the inner loop.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/conv/gemm_kernel.h"

namespace xinfer::kernels {

/// Bytes behind the end of each row that gathering may write.
inline constexpr std::size_t kRowSlack = 32;

struct RowSource {
  ConvShape shape;
  ConvType type = ConvType::kF32;
  RowFormat format = RowFormat::kFloat;
  const std::byte* x = nullptr;
};

/// Bytes of one row without slack.
std::size_t row_bytes(const ConvShape& shape, RowFormat format);

/// Gathers `count` pixels from `first_pixel` (over all images) of `group` into `rows`, which lie
/// `stride_bytes` apart, at least row_bytes + kRowSlack.
using GatherRows = void (*)(const RowSource& source, std::int64_t group, std::int64_t first_pixel,
                            std::int64_t count, std::byte* rows, std::size_t stride_bytes);

GatherRows select_gather(CpuIsa isa);

}  // namespace xinfer::kernels
