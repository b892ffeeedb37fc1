// The gathering loops of activation_rows.h over a chunk type: `Chunk::load`, `store`, `fill` move
// Chunk::kBytes bytes. Copies run over their end by less than a chunk: rows are written front to
// back, so the excess is overwritten by what follows. Internal linkage: built per instruction set.
#pragma once

#include "kernels/conv/activation_rows.h"

namespace xinfer::kernels {
namespace {

/// How the source's elements become the row's: copied, shifted by 128, or widened.
enum class Convert { kCopy, kShift, kWidenSigned, kWidenUnsigned };

template <typename Chunk, Convert kConvert>
inline void copy_run(const std::byte* from, std::byte* to, std::int64_t bytes) {
  if constexpr (kConvert == Convert::kCopy) {
    for (std::int64_t i = 0; i < bytes; i += Chunk::kBytes) Chunk::copy(from + i, to + i);
  } else if constexpr (kConvert == Convert::kShift) {
    for (std::int64_t i = 0; i < bytes; i += Chunk::kBytes) Chunk::shift(from + i, to + i);
  } else {
    for (std::int64_t i = 0; i < bytes; i += Chunk::kBytes / 2) {
      Chunk::template widen<kConvert == Convert::kWidenSigned>(from + i, to + 2 * i);
    }
  }
}

template <typename Chunk>
inline void fill_run(std::uint8_t value, std::byte* to, std::int64_t bytes) {
  for (std::int64_t i = 0; i < bytes; i += Chunk::kBytes) Chunk::fill(value, to + i);
}

/// A walk over output pixels: image, row and column of the current one.
struct PixelWalk {
  std::int64_t image, oy, ox;

  PixelWalk(const ConvShape& s, std::int64_t pixel)
      : image(pixel / (s.out_h * s.out_w)), oy(pixel / s.out_w % s.out_h), ox(pixel % s.out_w) {}

  void next(const ConvShape& s) {
    if (++ox < s.out_w) return;
    ox = 0;
    if (++oy < s.out_h) return;
    oy = 0;
    ++image;
  }
};

template <typename Chunk, Convert kConvert>
void gather(const RowSource& source, std::int64_t group, std::int64_t first_pixel,
            std::int64_t count, std::byte* rows, std::size_t stride_bytes) {
  const ConvShape& s = source.shape;
  const std::int64_t element = source.type == ConvType::kF32 ? 4 : 1;
  constexpr std::int64_t kGrowth =
      kConvert == Convert::kWidenSigned || kConvert == Convert::kWidenUnsigned ? 2 : 1;
  constexpr std::uint8_t kPadding = kConvert == Convert::kShift ? 0x80 : 0;
  const std::int64_t channels = s.in_channels / s.groups * element;  // bytes of one tap
  const std::int64_t pixel_bytes = s.x_pixel_stride * element;
  const std::int64_t line_bytes = s.in_w * pixel_bytes;
  // Where taps of a line are neighbours in memory, one run serves them all.
  const bool dense = s.dilation_w == 1 && channels == pixel_bytes;
  PixelWalk at(s, first_pixel);
  for (std::int64_t i = 0; i < count; ++i, at.next(s)) {
    std::byte* to = rows + static_cast<std::size_t>(i) * stride_bytes;
    const std::byte* image = source.x + at.image * s.in_h * line_bytes + group * channels;
    const std::int64_t x0 = at.ox * s.stride_w - s.pad_left;
    for (std::int64_t ky = 0; ky < s.kernel_h; ++ky) {
      const std::int64_t iy = at.oy * s.stride_h - s.pad_top + ky * s.dilation_h;
      if (iy < 0 || iy >= s.in_h) {
        fill_run<Chunk>(kPadding, to, s.kernel_w * channels * kGrowth);
        to += s.kernel_w * channels * kGrowth;
        continue;
      }
      const std::byte* line = image + iy * line_bytes;
      if (dense && x0 >= 0 && x0 + s.kernel_w <= s.in_w) {
        copy_run<Chunk, kConvert>(line + x0 * pixel_bytes, to, s.kernel_w * channels);
        to += s.kernel_w * channels * kGrowth;
        continue;
      }
      for (std::int64_t kx = 0; kx < s.kernel_w; ++kx, to += channels * kGrowth) {
        const std::int64_t ix = x0 + kx * s.dilation_w;
        if (ix >= 0 && ix < s.in_w) {
          copy_run<Chunk, kConvert>(line + ix * pixel_bytes, to, channels);
        } else {
          fill_run<Chunk>(kPadding, to, channels * kGrowth);
        }
      }
    }
  }
}

template <typename Chunk>
void gather_rows(const RowSource& source, std::int64_t group, std::int64_t first_pixel,
                 std::int64_t count, std::byte* rows, std::size_t stride_bytes) {
  const bool is_signed = source.type == ConvType::kS8S8;
  const auto loop =
      source.format == RowFormat::kWide
          ? (is_signed ? gather<Chunk, Convert::kWidenSigned>
                       : gather<Chunk, Convert::kWidenUnsigned>)
          : (source.format == RowFormat::kUnsigned && is_signed ? gather<Chunk, Convert::kShift>
                                                                : gather<Chunk, Convert::kCopy>);
  loop(source, group, first_pixel, count, rows, stride_bytes);
}

}  // namespace
}  // namespace xinfer::kernels
