// Copying input lines into the ring and finding the taps in them.
#include "kernels/depthwise/depthwise_lines.h"

#include <emmintrin.h>

#include <algorithm>
#include <cstring>

#include "core/aligned_buffer.h"

namespace xinfer::kernels {
namespace {

/// Pixels of one plane that kernels may touch: whole periods of output pixels, shifted by the last
/// tap, and a chunk.
std::int64_t plane_pixels(const ConvShape& s, const DepthwiseLayout& layout) {
  const std::int64_t period = layout.period_pixels();
  const std::int64_t outputs = (s.out_w + period - 1) / period * period;
  return outputs + (s.kernel_w - 1) * s.dilation_w / s.stride_w + 1;
}

/// Copies whole chunks of 16 bytes, shifting s8 to u8 if kShift: writes up to 15 bytes behind the
/// end, which pixels leave free up to their pitch.
template <bool kShift>
void copy_chunks(const std::byte* from, std::byte* to, std::int64_t bytes) {
  const __m128i shift = _mm_set1_epi8(kShift ? -128 : 0);
  for (std::int64_t i = 0; i < bytes; i += 16) {
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i), kShift ? _mm_xor_si128(v, shift) : v);
  }
}

}  // namespace

DepthwiseLines::DepthwiseLines(const ConvShape& shape, ConvType type, const DepthwiseLayout& layout,
                               int lines)
    : shape_(shape),
      shift_(type == ConvType::kS8S8),
      element_(type == ConvType::kF32 ? 4 : 1),
      pitch_bytes_(layout.pitch * element_),
      line_taps_(type == ConvType::kF32 ? shape.kernel_w : layout.tap_quads * 4),
      plane_bytes_(align_up(static_cast<std::size_t>(plane_pixels(shape, layout) * pitch_bytes_),
                            kBufferAlignment)),
      line_bytes_(plane_bytes_ * static_cast<std::size_t>(shape.stride_w)),
      contents_(static_cast<std::size_t>(lines), -1) {
  const std::size_t bytes = line_bytes_ * (contents_.size() + 1);
  memory_ = allocate_buffer(bytes);
  std::memset(memory_.get(), shift_ ? 0x80 : 0, bytes);
}

void DepthwiseLines::start_image(const std::byte* image) {
  image_ = image;
  std::fill(contents_.begin(), contents_.end(), -1);
}

void DepthwiseLines::tap_pointers(std::int64_t iy, const std::byte** taps) {
  auto* line = static_cast<std::byte*>(memory_.get());
  if (iy < 0 || iy >= shape_.in_h) {
    line += line_bytes_ * contents_.size();
  } else {
    const auto place = static_cast<std::size_t>(iy) % contents_.size();
    line += line_bytes_ * place;
    if (contents_[place] != iy) {
      copy_line(image_ + iy * shape_.in_w * shape_.x_pixel_stride * element_, line);
      contents_[place] = iy;
    }
  }
  for (std::int64_t kx = 0; kx < line_taps_; ++kx) {
    const std::int64_t at = kx < shape_.kernel_w ? kx * shape_.dilation_w : 0;
    taps[kx] = line + static_cast<std::size_t>(at % shape_.stride_w) * plane_bytes_ +
               at / shape_.stride_w * pitch_bytes_;
  }
}

void DepthwiseLines::copy_pixel(const std::byte* from, std::byte* to) const {
  const std::int64_t multiplier = shape_.out_channels / shape_.in_channels;
  const auto element = static_cast<std::size_t>(element_);
  if (multiplier > 1) {
    for (std::int64_t n = 0; n < shape_.out_channels; ++n) {
      std::memcpy(to + n * element_, from + n / multiplier * element_, element);
      if (shift_) to[n] ^= std::byte{0x80};
    }
  } else if (shift_) {
    copy_chunks<true>(from, to, shape_.in_channels);
  } else {
    copy_chunks<false>(from, to, shape_.in_channels * element_);
  }
}

void DepthwiseLines::copy_line(const std::byte* from, std::byte* line) const {
  const ConvShape& s = shape_;
  const std::int64_t pixel_bytes = s.x_pixel_stride * element_;
  // Pixels that no output reaches have no place in the planes.
  const std::int64_t reach =
      (s.out_w - 1) * s.stride_w + (s.kernel_w - 1) * s.dilation_w + 1 - s.pad_left;
  const std::int64_t count = std::min(s.in_w, reach);
  if (s.stride_w == 1 && pixel_bytes == pitch_bytes_ && s.in_channels == s.out_channels) {
    std::byte* to = line + s.pad_left * pitch_bytes_;
    if (count <= 0) return;
    if (shift_) {
      copy_chunks<true>(from, to, count * pixel_bytes);
    } else {
      std::memcpy(to, from, static_cast<std::size_t>(count * pixel_bytes));
    }
    return;
  }
  for (std::int64_t ix = 0; ix < count; ++ix) {
    const std::int64_t at = ix + s.pad_left;
    copy_pixel(from + ix * pixel_bytes,
               line + static_cast<std::size_t>(at % s.stride_w) * plane_bytes_ +
                   at / s.stride_w * pitch_bytes_);
  }
}

}  // namespace xinfer::kernels
