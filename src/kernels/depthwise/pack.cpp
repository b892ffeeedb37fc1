// Depthwise weight packing; depthwise_kernel.h says how positions and chunks are laid out.
// INT8: [kernel_h][tap quads][period / 64] chunks of 256 bytes, then -128 * weight sum of every
// position of a period as int32. float32: [kernel_h * kernel_w][period].
#include <cstring>
#include <numeric>

#include "core/aligned_buffer.h"
#include "kernels/depthwise/depthwise.h"
#include "kernels/depthwise/depthwise_kernel.h"

namespace xinfer::kernels {
namespace {

void pack_int8(const ConvShape& s, const DepthwiseLayout& layout, const std::int8_t* weights,
               std::int8_t* packed) {
  auto* compensation = reinterpret_cast<std::int32_t*>(packed + layout.weight_bytes);
  for (std::int64_t position = 0; position < layout.period; ++position) {
    const std::int64_t channel = position % layout.pitch;
    if (channel >= layout.channels) continue;
    const std::int8_t* w = weights + channel * s.kernel_h * s.kernel_w;
    std::int32_t sum = 0;
    for (std::int64_t ky = 0; ky < s.kernel_h; ++ky) {
      for (std::int64_t kx = 0; kx < s.kernel_w; ++kx) {
        packed[depthwise_weight_offset(layout, position, ky, kx)] = w[ky * s.kernel_w + kx];
        sum += w[ky * s.kernel_w + kx];
      }
    }
    compensation[position] = -128 * sum;
  }
}

void pack_float(const ConvShape& s, const DepthwiseLayout& layout, const float* weights,
                float* packed) {
  const std::int64_t taps = s.kernel_h * s.kernel_w;
  for (std::int64_t tap = 0; tap < taps; ++tap) {
    for (std::int64_t channel = 0; channel < layout.channels; ++channel) {
      packed[tap * layout.period + channel] = weights[channel * taps + tap];
    }
  }
}

}  // namespace

std::int64_t depthwise_chunk_offset(std::int64_t at, std::int64_t tap) {
  const std::int64_t lane = at / 16;
  const std::int64_t quarter = at % 16 / 4;
  return quarter * kDepthwiseChunk + lane * 16 + at % 4 * 4 + tap;
}

std::int64_t depthwise_weight_offset(const DepthwiseLayout& layout, std::int64_t position,
                                     std::int64_t ky, std::int64_t kx) {
  const std::int64_t line = ky * layout.tap_quads + kx / 4;
  const std::int64_t chunk = line * (layout.period / kDepthwiseChunk) + position / kDepthwiseChunk;
  return chunk * kDepthwiseChunkWeights +
         depthwise_chunk_offset(position % kDepthwiseChunk, kx % 4);
}

DepthwiseLayout::DepthwiseLayout(const ConvShape& shape, ConvType type)
    : channels(shape.out_channels),
      pitch(static_cast<std::int64_t>(align_up(static_cast<std::size_t>(channels), 16))) {
  if (type == ConvType::kF32) {
    period = pitch;
    weight_bytes = static_cast<std::size_t>(shape.kernel_h * shape.kernel_w * period) * 4;
    total_bytes = align_up(weight_bytes, kBufferAlignment);
    return;
  }
  period = std::lcm(pitch, std::int64_t{kDepthwiseChunk});
  tap_quads = (shape.kernel_w + 3) / 4;
  weight_bytes = static_cast<std::size_t>(shape.kernel_h * tap_quads * period) * 4;
  total_bytes = weight_bytes + static_cast<std::size_t>(period) * sizeof(std::int32_t);
}

std::size_t packed_depthwise_size(const ConvShape& shape, ConvType type) {
  return DepthwiseLayout(shape, type).total_bytes;
}

void pack_depthwise_weights(const ConvShape& shape, ConvType type, const void* weights,
                            void* packed) {
  const DepthwiseLayout layout(shape, type);
  std::memset(packed, 0, layout.total_bytes);
  if (type == ConvType::kF32) {
    pack_float(shape, layout, static_cast<const float*>(weights), static_cast<float*>(packed));
  } else {
    pack_int8(shape, layout, static_cast<const std::int8_t*>(weights),
              static_cast<std::int8_t*>(packed));
  }
}

}  // namespace xinfer::kernels
