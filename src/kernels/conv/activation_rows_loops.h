// The gathering loops of activation_rows.h over a chunk type: `Chunk::load`, `store`, `fill` move
// Chunk::kBytes bytes. Copies run over their end by less than a chunk: rows are written front to
// back, so the excess is overwritten by what follows, at last by the row's slack. Internal linkage:
// built per instruction set.
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

/// Output columns whose taps all lie inside the line: [first, last).
struct Interior {
  std::int64_t first, last;

  explicit Interior(const ConvShape& s) {
    const std::int64_t span = (s.kernel_w - 1) * s.dilation_w + 1;
    first = (s.pad_left + s.stride_w - 1) / s.stride_w;
    last = s.in_w + s.pad_left < span ? 0 : (s.in_w + s.pad_left - span) / s.stride_w + 1;
  }
  bool contains(std::int64_t ox) const { return ox >= first && ox < last; }
};

/// The gathering of one kernel line for neighbouring pixels of one output line.
template <typename Chunk, Convert kConvert>
class LineGatherer {
 public:
  static constexpr std::int64_t kGrowth =
      kConvert == Convert::kWidenSigned || kConvert == Convert::kWidenUnsigned ? 2 : 1;
  static constexpr std::uint8_t kPadding = kConvert == Convert::kShift ? 0x80 : 0;

  LineGatherer(const ConvShape& shape, std::int64_t element)
      : shape_(shape),
        interior_(shape),
        channels_(shape.in_channels / shape.groups * element),
        pixel_(shape.x_pixel_stride * element),
        dense_(shape.dilation_w == 1 && channels_ == pixel_) {}

  /// Bytes of a tap in memory, and of a kernel line in a row.
  std::int64_t tap_bytes() const { return channels_; }
  std::int64_t run_bytes() const { return shape_.kernel_w * channels_ * kGrowth; }

  void fill(std::int64_t count, std::byte* to, std::size_t stride) const {
    for (std::int64_t i = 0; i < count; ++i, to += stride) {
      fill_run<Chunk>(kPadding, to, run_bytes());
    }
  }

  /// Pixels [ox, ox + count); `line` is pixel 0 of the input line.
  void gather(const std::byte* line, std::int64_t ox, std::int64_t count, std::byte* to,
              std::size_t stride) const {
    const std::int64_t end = ox + count;
    const std::int64_t step = shape_.stride_w * pixel_;
    for (; ox < end && ox < interior_.first; ++ox, to += stride) edge(line, ox, to);
    const std::byte* from = line + (ox * shape_.stride_w - shape_.pad_left) * pixel_;
    const std::int64_t inside = (interior_.last < end ? interior_.last : end) - ox;
    if (dense_ && inside > 0) {
      runs(from, step, inside, to, stride);
      ox += inside;
      to += static_cast<std::size_t>(inside) * stride;
    } else {
      for (; ox < end && ox < interior_.last; ++ox, to += stride, from += step) taps(from, to);
    }
    for (; ox < end; ++ox, to += stride) edge(line, ox, to);
  }

 private:
  /// `count` pixels whose taps are one run each. Short runs, which image layers have, are copied
  /// without a loop of their own: it costs as much as they do.
  void runs(const std::byte* from, std::int64_t step, std::int64_t count, std::byte* to,
            std::size_t stride) const {
    const std::int64_t bytes = shape_.kernel_w * channels_;
    constexpr std::int64_t kChunk = Chunk::kBytes / kGrowth;
    if (bytes <= kChunk) {
      for (std::int64_t i = 0; i < count; ++i, to += stride, from += step) {
        copy_run<Chunk, kConvert>(from, to, kChunk);
      }
    } else if (bytes <= 2 * kChunk) {
      for (std::int64_t i = 0; i < count; ++i, to += stride, from += step) {
        copy_run<Chunk, kConvert>(from, to, 2 * kChunk);
      }
    } else {
      for (std::int64_t i = 0; i < count; ++i, to += stride, from += step) {
        copy_run<Chunk, kConvert>(from, to, bytes);
      }
    }
  }

  void taps(const std::byte* from, std::byte* to) const {
    for (std::int64_t kx = 0; kx < shape_.kernel_w; ++kx) {
      copy_run<Chunk, kConvert>(from + kx * shape_.dilation_w * pixel_,
                                to + kx * channels_ * kGrowth, channels_);
    }
  }

  void edge(const std::byte* line, std::int64_t ox, std::byte* to) const {
    for (std::int64_t kx = 0; kx < shape_.kernel_w; ++kx, to += channels_ * kGrowth) {
      const std::int64_t ix = ox * shape_.stride_w - shape_.pad_left + kx * shape_.dilation_w;
      if (ix >= 0 && ix < shape_.in_w) {
        copy_run<Chunk, kConvert>(line + ix * pixel_, to, channels_);
      } else {
        fill_run<Chunk>(kPadding, to, channels_ * kGrowth);
      }
    }
  }

  const ConvShape& shape_;
  Interior interior_;
  std::int64_t channels_;  ///< bytes of a tap
  std::int64_t pixel_;     ///< bytes from pixel to pixel
  bool dense_;             ///< taps of a line are neighbours in memory: one run serves them all
};

template <typename Chunk, Convert kConvert>
void gather(const RowSource& source, std::int64_t group, std::int64_t first_pixel,
            std::int64_t count, std::byte* rows, std::size_t stride_bytes) {
  const ConvShape& s = source.shape;
  const std::int64_t element = source.type == ConvType::kF32 ? 4 : 1;
  const LineGatherer<Chunk, kConvert> gatherer(s, element);
  const std::int64_t line_bytes = s.in_w * s.x_pixel_stride * element;
  const std::int64_t end = first_pixel + count;
  for (std::int64_t pixel = first_pixel; pixel < end;) {
    const std::int64_t image = pixel / (s.out_h * s.out_w);
    const std::int64_t oy = pixel / s.out_w % s.out_h;
    const std::int64_t ox = pixel % s.out_w;
    const std::int64_t run = s.out_w - ox < end - pixel ? s.out_w - ox : end - pixel;
    const std::byte* first_line =
        source.x + image * s.in_h * line_bytes + group * gatherer.tap_bytes();
    std::byte* to = rows;
    for (std::int64_t ky = 0; ky < s.kernel_h; ++ky, to += gatherer.run_bytes()) {
      const std::int64_t iy = oy * s.stride_h - s.pad_top + ky * s.dilation_h;
      if (iy < 0 || iy >= s.in_h) {
        gatherer.fill(run, to, stride_bytes);
      } else {
        gatherer.gather(first_line + iy * line_bytes, ox, run, to, stride_bytes);
      }
    }
    pixel += run;
    rows += static_cast<std::size_t>(run) * stride_bytes;
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
