// Bringing input lines into the ring and finding the taps in them.
#include "kernels/depthwise/depthwise_lines.h"

#include <emmintrin.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

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

/// Pixels that no output reaches have no place in the planes.
std::vector<LinePlane> make_planes(const ConvShape& s, std::size_t plane_bytes,
                                   std::int64_t pitch_bytes) {
  std::vector<LinePlane> planes;
  const std::int64_t end = std::min(
      s.pad_left + s.in_w, (s.out_w - 1) * s.stride_w + (s.kernel_w - 1) * s.dilation_w + 1);
  for (std::int64_t first = s.pad_left; first < std::min(s.pad_left + s.stride_w, end); ++first) {
    planes.push_back({first - s.pad_left, s.stride_w, (end - first + s.stride_w - 1) / s.stride_w,
                      static_cast<std::size_t>(first % s.stride_w) * plane_bytes +
                          static_cast<std::size_t>(first / s.stride_w * pitch_bytes)});
  }
  return planes;
}

constexpr std::int64_t kChunkBytes = 16;

/// Copies `kChunks` chunks of 16 bytes, or `chunks` where that is 0, shifting s8 to u8 if kShift.
template <bool kShift, int kChunks>
inline void copy_chunks(const std::byte* from, std::byte* to, std::int64_t chunks) {
  const __m128i shift = _mm_set1_epi8(kShift ? -128 : 0);
  const std::int64_t count = kChunks != 0 ? kChunks : chunks;
#pragma GCC unroll 16
  for (std::int64_t i = 0; i < count; ++i) {
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from) + i);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to) + i, kShift ? _mm_xor_si128(v, shift) : v);
  }
}

/// Pixels a constant step apart, of `chunks` chunks each: up to 15 bytes behind a pixel's end are
/// read, and written where its pitch leaves them free.
struct PixelRun {
  const std::byte* from;
  std::int64_t from_step;
  std::byte* to;
  std::int64_t to_step;
  std::int64_t pixels;
  std::int64_t chunks;
};

template <bool kShift, int kChunks>
void copy_run(const PixelRun& run) {
  const std::byte* from = run.from;
  std::byte* to = run.to;
  for (std::int64_t i = 0; i < run.pixels; ++i, from += run.from_step, to += run.to_step) {
    copy_chunks<kShift, kChunks>(from, to, run.chunks);
  }
}

/// Pixels of few channels are most of a strided layer's copying: their loops are unrolled.
constexpr int kUnrolledChunks = 12;

template <bool kShift, std::size_t... kIndex>
constexpr auto run_copies(std::index_sequence<kIndex...>) {
  return std::array{copy_run<kShift, static_cast<int>(kIndex)>...};
}

template <bool kShift>
void copy_pixels(const PixelRun& run) {
  constexpr auto kCopies = run_copies<kShift>(std::make_index_sequence<kUnrolledChunks + 1>{});
  kCopies[run.chunks <= kUnrolledChunks ? static_cast<std::size_t>(run.chunks) : 0](run);
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
      planes_(make_planes(shape, plane_bytes_, pitch_bytes_)),
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
      if (source_ == nullptr) {
        copy_line(image_ + iy * shape_.in_w * shape_.x_pixel_stride * element_, line);
      } else {
        source_->write_lines(iy, 1, line);
        if (shift_) shift_line(line);
      }
      contents_[place] = iy;
    }
  }
  for (std::int64_t kx = 0; kx < line_taps_; ++kx) {
    const std::int64_t at = kx < shape_.kernel_w ? kx * shape_.dilation_w : 0;
    taps[kx] = line + static_cast<std::size_t>(at % shape_.stride_w) * plane_bytes_ +
               at / shape_.stride_w * pitch_bytes_;
  }
}

/// One channel of x goes to several of the line.
void DepthwiseLines::spread_pixel(const std::byte* from, std::byte* to) const {
  const std::int64_t multiplier = shape_.out_channels / shape_.in_channels;
  const auto element = static_cast<std::size_t>(element_);
  for (std::int64_t n = 0; n < shape_.out_channels; ++n) {
    std::memcpy(to + n * element_, from + n / multiplier * element_, element);
    if (shift_) to[n] ^= std::byte{0x80};
  }
}

void DepthwiseLines::copy_plane(const std::byte* from, std::byte* line,
                                const LinePlane& plane) const {
  const ConvShape& s = shape_;
  const std::int64_t pixel_bytes = s.x_pixel_stride * element_;
  PixelRun run;
  run.from = from + plane.first * pixel_bytes;
  run.from_step = plane.step * pixel_bytes;
  run.to = line + plane.offset_bytes;
  run.to_step = pitch_bytes_;
  run.pixels = plane.pixels;
  run.chunks = (s.in_channels * element_ + kChunkBytes - 1) / kChunkBytes;
  if (s.in_channels != s.out_channels) {
    for (std::int64_t i = 0; i < run.pixels; ++i) {
      spread_pixel(run.from + i * run.from_step, run.to + i * run.to_step);
    }
    return;
  }
  if (run.from_step == run.to_step && s.in_channels * element_ == run.to_step) {
    if (!shift_) {
      std::memcpy(run.to, run.from, static_cast<std::size_t>(run.pixels * run.to_step));
      return;
    }
    run.chunks *= run.pixels;  // one pixel follows the other on both sides
    run.pixels = 1;
  }
  shift_ ? copy_pixels<true>(run) : copy_pixels<false>(run);
}

void DepthwiseLines::copy_line(const std::byte* from, std::byte* line) const {
  for (const LinePlane& plane : planes_) copy_plane(from, line, plane);
}

/// Channels that fill a pixel up to its pitch change too: their weights are zero.
void DepthwiseLines::shift_line(std::byte* line) const {
  for (const LinePlane& plane : planes_) {
    std::byte* pixels = line + plane.offset_bytes;
    const std::int64_t chunks = plane.pixels * pitch_bytes_ / kChunkBytes;
    copy_chunks<true, 0>(pixels, pixels, chunks);
  }
}

}  // namespace xinfer::kernels
