#include "kernels/cuda/conv_layout.h"

#include <cstring>

namespace xinfer::kernels::cuda {
namespace {

constexpr std::int64_t kGranuleBytes = 16;

std::int64_t round_up(std::int64_t value, std::int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

// How many groups to merge so that a group's channels fill whole granules: the least divisor that
// does, or all of them.
std::int64_t groups_to_merge(const ConvShape& shape, std::int64_t per_granule) {
  const std::int64_t channels = shape.in_channels / shape.groups;
  for (std::int64_t count = 1; count < shape.groups; ++count) {
    if (shape.groups % count == 0 && count * channels % per_granule == 0) return count;
  }
  return shape.groups;
}

// The widest permutation that pads rows at most an eighth beyond the narrowest's.
int choose_permutation(std::int64_t out_channels) {
  const std::int64_t least = round_up(out_channels, 16);
  for (const int permutation : {64, 32}) {
    if (round_up(out_channels, permutation) * 8 <= least * 9) return permutation;
  }
  return 16;
}

// The channel that row `row` of a group holds.
std::int64_t channel_of_row(std::int64_t row, int permutation) {
  const std::int64_t position = row % permutation;
  const std::int64_t j = position / 8, q = position % 8 / 2, e = position % 2;
  return row - position + permutation / 4 * q + 2 * j + e;
}

}  // namespace

ConvLayout conv_layout(const ConvShape& shape, DType input) {
  ConvLayout layout;
  layout.element_bytes = static_cast<int>(size_of(input));
  const std::int64_t per_granule = kGranuleBytes / layout.element_bytes;
  layout.merged = groups_to_merge(shape, per_granule);
  layout.groups = shape.groups / layout.merged;
  layout.group_in_channels = round_up(shape.in_channels / layout.groups, per_granule);
  layout.group_out_channels = shape.out_channels / layout.groups;
  layout.permutation = choose_permutation(layout.group_out_channels);
  // The last group also writes the padding behind the layer's channels.
  const std::int64_t before = (layout.groups - 1) * layout.group_out_channels;
  layout.group_rows = round_up(round_up(shape.out_channels, 16) - before, layout.permutation);
  layout.taps = shape.kernel_h * shape.kernel_w;
  return layout;
}

void pack_conv_weights(const ConvShape& shape, const ConvLayout& layout, const void* weights,
                       void* packed) {
  const std::int64_t in = shape.in_channels / shape.groups;
  const std::int64_t out = shape.out_channels / shape.groups;
  const auto size = static_cast<std::size_t>(layout.element_bytes);
  const auto* from = static_cast<const std::byte*>(weights);
  auto* to = static_cast<std::byte*>(packed);
  std::memset(packed, 0, layout.weight_bytes());
  for (std::int64_t row = 0; row < layout.groups * layout.group_rows; ++row) {
    const std::int64_t group = row / layout.group_rows;
    const std::int64_t channel = channel_of_row(row % layout.group_rows, layout.permutation);
    if (channel >= layout.group_out_channels) continue;
    const std::int64_t output = group * layout.group_out_channels + channel;
    const std::int64_t first_in = channel / out * in;  // the block of this channel's own group
    for (std::int64_t tap = 0; tap < layout.taps; ++tap) {
      const std::int64_t target = (row * layout.taps + tap) * layout.group_in_channels + first_in;
      std::memcpy(to + static_cast<std::size_t>(target) * size,
                  from + static_cast<std::size_t>((output * layout.taps + tap) * in) * size,
                  static_cast<std::size_t>(in) * size);
    }
  }
}

void pack_conv_table(const ConvLayout& layout, std::span<const float> values, float* packed) {
  for (std::int64_t row = 0; row < layout.table_length(); ++row) {
    const std::int64_t channel = row % layout.group_rows;
    const std::int64_t output = row / layout.group_rows * layout.group_out_channels + channel;
    packed[row] =
        channel < layout.group_out_channels ? values[static_cast<std::size_t>(output)] : 0;
  }
}

}  // namespace xinfer::kernels::cuda
