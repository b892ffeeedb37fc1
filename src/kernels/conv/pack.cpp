// Weight packing: one layout for AMX, VNNI, AVX2 and portable kernels.
//
// Per group, per 16 output channels, one panel. INT8: [depth / 4][16][4], depth = taps x channels
// of the group in (ky, kx, c) order, zero-padded to 64, the depth of an AMX tile. Padding the whole
// depth instead of each tap keeps 3-channel and 24-channel layers dense. Behind the panels lies one
// int32 per (group, padded channel): -128 * the channel's weight sum, the start value of kernels
// that see s8 activations shifted by 128. float32: [depth][16].
#include <algorithm>
#include <cstring>

#include "core/aligned_buffer.h"
#include "kernels/conv/gemm_kernel.h"

namespace xinfer::kernels {
namespace {

struct Panels {
  std::int64_t groups;
  std::int64_t channels;  ///< output channels of a group
  std::int64_t per_group;
  std::int64_t depth;
  std::size_t bytes;  ///< of one panel

  Panels(const ConvShape& shape, ConvType type)
      : groups(shape.groups),
        channels(shape.out_channels / shape.groups),
        per_group((channels + kPanelChannels - 1) / kPanelChannels),
        depth(shape.kernel_h * shape.kernel_w * (shape.in_channels / shape.groups)),
        bytes(panel_bytes(depth, type)) {}

  std::size_t total_bytes() const { return static_cast<std::size_t>(groups * per_group) * bytes; }
};

/// Packs `count` output channels, whose weights lie `depth` apart, into one panel.
void pack_int8_panel(const std::int8_t* weights, std::int64_t depth, int count, std::int8_t* panel,
                     std::int32_t* compensation) {
  for (int n = 0; n < count; ++n) {
    const std::int8_t* row = weights + n * depth;
    std::uint32_t sum = 0;  // wraps as the accumulator does
    for (std::int64_t k = 0; k < depth; ++k) {
      panel[k / 4 * kStepBytes + n * 4 + k % 4] = row[k];
      sum += static_cast<std::uint32_t>(std::int32_t{row[k]});
    }
    compensation[n] = static_cast<std::int32_t>(0u - 128u * sum);
  }
}

void pack_float_panel(const float* weights, std::int64_t depth, int count, float* panel) {
  for (int n = 0; n < count; ++n) {
    for (std::int64_t k = 0; k < depth; ++k) panel[k * kPanelChannels + n] = weights[n * depth + k];
  }
}

}  // namespace

std::size_t packed_weights_size(const ConvShape& shape, ConvType type) {
  const Panels panels(shape, type);
  std::size_t bytes = panels.total_bytes();
  if (type != ConvType::kF32) {
    bytes += static_cast<std::size_t>(panels.groups * panels.per_group) * kStepBytes;
  }
  return align_up(bytes, kBufferAlignment);
}

void pack_weights(const ConvShape& shape, ConvType type, const void* weights, void* packed) {
  const Panels panels(shape, type);
  std::memset(packed, 0, packed_weights_size(shape, type));
  auto* panel = static_cast<std::byte*>(packed);
  auto* compensation = reinterpret_cast<std::int32_t*>(panel + panels.total_bytes());
  for (std::int64_t g = 0; g < panels.groups; ++g) {
    for (std::int64_t p = 0; p < panels.per_group; ++p, panel += panels.bytes) {
      const std::int64_t first = g * panels.channels + p * kPanelChannels;
      const int count = static_cast<int>(
          std::min<std::int64_t>(kPanelChannels, panels.channels - p * kPanelChannels));
      if (type == ConvType::kF32) {
        pack_float_panel(static_cast<const float*>(weights) + first * panels.depth, panels.depth,
                         count, reinterpret_cast<float*>(panel));
      } else {
        pack_int8_panel(static_cast<const std::int8_t*>(weights) + first * panels.depth,
                        panels.depth, count, reinterpret_cast<std::int8_t*>(panel), compensation);
        compensation += kPanelChannels;
      }
    }
  }
}

}  // namespace xinfer::kernels
