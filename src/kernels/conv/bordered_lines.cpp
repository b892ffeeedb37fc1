#include "kernels/conv/bordered_lines.h"

#include <algorithm>
#include <cstring>

#include "core/aligned_buffer.h"

namespace xinfer::kernels {
namespace {

std::int64_t span(std::int64_t kernel, std::int64_t dilation) {
  return (kernel - 1) * dilation + 1;
}

/// The wider of the two borders serves both lines.
std::int64_t line_pitch(const ConvShape& s) {
  const std::int64_t right =
      (s.out_w - 1) * s.stride_w + span(s.kernel_w, s.dilation_w) - s.pad_left - s.in_w;
  return s.in_w + std::max(s.pad_left, std::max<std::int64_t>(right, 0));
}

void shift_by_128(const std::byte* from, std::byte* to, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) to[i] = from[i] ^ std::byte{0x80};
}

template <typename T>
void widen(const std::byte* from, std::byte* to, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    const auto wide = static_cast<std::int16_t>(static_cast<T>(from[i]));
    std::memcpy(to + 2 * i, &wide, sizeof(wide));
  }
}

}  // namespace

BorderedLines::BorderedLines(const ConvShape& shape, ConvType type, RowFormat format,
                             const std::byte* x)
    : shape_(shape),
      x_(x),
      element_bytes_(type == ConvType::kF32 ? 4 : 1),
      growth_(format == RowFormat::kWide ? 2 : 1),
      is_signed_(type == ConvType::kS8S8),
      shifted_(type == ConvType::kS8S8 && format == RowFormat::kUnsigned),
      channels_(shape.in_channels / shape.groups),
      pitch_(line_pitch(shape)),
      extra_lines_(span(shape.kernel_h, shape.dilation_h) - 1) {}

std::int64_t BorderedLines::lines_within(std::int64_t bytes) const {
  return std::clamp<std::int64_t>((bytes / line_bytes() - extra_lines_) / shape_.stride_h, 1,
                                  shape_.out_h);
}

std::size_t BorderedLines::block_bytes(std::int64_t lines) const {
  // Behind the last line its border, before the first line another.
  const std::int64_t bytes = (input_lines(lines) + 2) * line_bytes();
  return align_up(static_cast<std::size_t>(bytes) + kBufferMargin, 4096);
}

std::byte* BorderedLines::pad(std::byte* to, std::int64_t positions) const {
  const auto bytes = static_cast<std::size_t>(positions * position_bytes());
  std::memset(to, shifted_ ? 0x80 : 0, bytes);
  return to + bytes;
}

std::byte* BorderedLines::convert(const std::byte* from, std::byte* to,
                                  std::int64_t elements) const {
  if (growth_ == 2) {
    is_signed_ ? widen<std::int8_t>(from, to, elements) : widen<std::uint8_t>(from, to, elements);
  } else if (shifted_) {
    shift_by_128(from, to, elements);
  } else {
    std::memcpy(to, from, static_cast<std::size_t>(elements * element_bytes_));
  }
  return to + elements * element_bytes_ * growth_;
}

void BorderedLines::copy(std::int64_t group, std::int64_t first_line, std::int64_t lines,
                         std::byte* block) const {
  const ConvShape& s = shape_;
  const std::int64_t image = first_line / s.out_h;
  const std::int64_t top = first_line % s.out_h * s.stride_h - s.pad_top;
  const std::int64_t pixel_bytes = s.x_pixel_stride * element_bytes_;
  std::byte* to = pad(block, s.pad_left);
  for (std::int64_t iy = top; iy < top + input_lines(lines); ++iy) {
    if (iy < 0 || iy >= s.in_h) {
      to = pad(to, pitch_);
      continue;
    }
    const std::byte* from =
        x_ + (image * s.in_h + iy) * s.in_w * pixel_bytes + group * channels_ * element_bytes_;
    if (channels_ == s.x_pixel_stride) {
      to = convert(from, to, s.in_w * channels_);
    } else {
      for (std::int64_t ix = 0; ix < s.in_w; ++ix, from += pixel_bytes) {
        to = convert(from, to, channels_);
      }
    }
    to = pad(to, pitch_ - s.in_w);
  }
}

std::shared_ptr<void> align_line_weights(const ConvShape& shape, const std::byte* weights,
                                         std::int64_t steps, std::vector<ColumnBlock>& columns,
                                         std::size_t& panel_bytes) {
  const std::int64_t line = shape.kernel_w * shape.in_channels;
  const auto panels =
      static_cast<std::size_t>((shape.out_channels + kPanelChannels - 1) / kPanelChannels);
  const auto aligned_bytes = static_cast<std::size_t>(shape.kernel_h * steps) * kStepBytes;
  std::shared_ptr<void> aligned = allocate_buffer(panels * aligned_bytes);
  auto* to = static_cast<std::byte*>(aligned.get());
  std::memset(to, 0, panels * aligned_bytes);
  // Byte `n` of depth `k` of a panel.
  const auto at = [](std::int64_t k, std::int64_t n) { return k / 4 * kStepBytes + n * 4 + k % 4; };
  for (std::size_t panel = 0; panel < panels; ++panel, to += aligned_bytes) {
    const std::byte* from = weights + panel * panel_bytes;
    for (std::int64_t ky = 0; ky < shape.kernel_h; ++ky) {
      for (std::int64_t k = 0; k < line; ++k) {
        for (std::int64_t n = 0; n < kPanelChannels; ++n) {
          to[at(ky * steps * 4 + k, n)] = from[at(ky * line + k, n)];
        }
      }
    }
  }
  for (ColumnBlock& block : columns) {
    block.weights_offset = block.weights_offset / panel_bytes * aligned_bytes;
  }
  panel_bytes = aligned_bytes;
  return aligned;
}

}  // namespace xinfer::kernels
