// Bordered blocks of lines, the tiles that slide over them, and which of their rows are pixels.
#include "kernels/conv/sliding_gemm.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "core/aligned_buffer.h"
#include "kernels/conv/blocking.h"
#include "kernels/conv/strip_tiles.h"

namespace xinfer::kernels {
namespace {

/// A block of input lines stays in L2 beside the weights that pass over it.
constexpr std::int64_t kBlockBytes = 256 * 1024;

/// The same where few columns pass over a block: it stays in L1.
constexpr std::int64_t kImageBlockBytes = 24 * 1024;
/// A strip of lines needs as many rows to fill tiles; shorter lines are gathered.
constexpr std::int64_t kLeastLine = 12;

std::int64_t span(std::int64_t kernel, std::int64_t dilation) {
  return (kernel - 1) * dilation + 1;
}

/// Positions from one line to the next: the wider of the two borders serves both lines.
std::int64_t line_pitch(const ConvShape& s) {
  const std::int64_t right =
      (s.out_w - 1) * s.stride_w + span(s.kernel_w, s.dilation_w) - s.pad_left - s.in_w;
  return s.in_w + std::max(s.pad_left, std::max<std::int64_t>(right, 0));
}

/// A kernel line in bytes: a part of one depth tile in whole steps, or whole depth tiles. Behind
/// the line lie other pixels, which meet zero weights.
std::int64_t line_depth(const ConvShape& s) {
  const std::int64_t line = s.kernel_w * (s.in_channels / s.groups);
  const std::int64_t unit = line < kDepthAlignment ? 4 : kDepthAlignment;
  return (line + unit - 1) / unit * unit;
}

/// Images of less than a depth tile of channels, where lines leave at most a quarter of their tiles
/// empty; gathering rows costs more than that.
bool has_line_taps(const ConvShape& s) {
  if (s.kernel_h == 1 || s.dilation_w != 1 || s.groups != 1) return false;
  if (s.in_channels >= kDepthAlignment) return false;
  const std::int64_t depth = line_depth(s);
  return depth < kDepthAlignment || 4 * s.kernel_w * s.in_channels >= 3 * depth;
}

bool runs_across_lines(const ConvShape& s) {
  return s.stride_h == 1 && s.stride_w == 1 && s.out_w <= line_pitch(s);
}

StripTiles tiles_for(const ConvShape& s) {
  const std::int64_t channels = s.out_channels / s.groups;
  return choose_strip_tiles(s.batch * s.out_h * (runs_across_lines(s) ? line_pitch(s) : s.out_w),
                            (channels + kPanelChannels - 1) / kPanelChannels,
                            s.kernel_h * s.kernel_w * (s.in_channels / s.groups));
}

}  // namespace

bool SlidingGemm::applies(const ConvShape& s, const GemmKernel& kernel) {
  if (kernel.run_strip == nullptr || s.kernel_h * s.kernel_w == 1) return false;
  if (!has_line_taps(s) && s.in_channels / s.groups % kDepthAlignment != 0) return false;
  return runs_across_lines(s) || s.out_w >= kLeastLine;
}

SlidingGemm::SlidingGemm(const ConvShape& shape, const ConvArguments& arguments,
                         const StorePlan& store, const GemmKernel& kernel, CpuIsa isa, int threads)
    : shape_(shape),
      x_(static_cast<const std::byte*>(arguments.x)),
      weights_(static_cast<const std::byte*>(arguments.packed_weights)),
      store_plan_(store),
      kernel_(kernel),
      store_(select_store(store, isa)),
      tiles_(tiles_for(shape)),
      name_(fmt::format("conv_{}_{}_{}x{}", runs_across_lines(shape) ? "sliding" : "lines",
                        kernel.name, tiles_.row_tiles * kPanelChannels,
                        tiles_.panels * kPanelChannels)),
      columns_(plan_columns(shape, kernel.type, tiles_.panels)),
      line_taps_(has_line_taps(shape)),
      across_lines_(runs_across_lines(shape)),
      channels_(shape.in_channels / shape.groups),
      pitch_(line_pitch(shape)),
      extra_lines_(span(shape.kernel_h, shape.dilation_h) - 1) {
  steps_ = (line_taps_ ? line_depth(shape) : channels_) / 4;
  panel_bytes_ = panel_bytes(shape.kernel_h * shape.kernel_w * channels_, kernel.type);
  if (line_taps_) align_line_weights();
  for (std::int64_t ky = 0; ky < shape.kernel_h; ++ky) {
    for (std::int64_t kx = 0; kx < (line_taps_ ? 1 : shape.kernel_w); ++kx) {
      taps_.push_back((ky * shape.dilation_h * pitch_ + kx * shape.dilation_w) * channels_);
    }
  }
  BlockingProblem problem;
  problem.rows = shape.batch * shape.out_h * (across_lines_ ? pitch_ : shape.out_w);
  problem.column_blocks = static_cast<std::int64_t>(columns_.size());
  problem.tile_rows = tiles_.row_tiles * kPanelChannels;
  problem.tile_columns = tiles_.panels * kPanelChannels;
  problem.row_bytes = channels_;
  problem.image_bytes = shape.batch * shape.in_h * shape.in_w * shape.in_channels;
  problem.steps = static_cast<std::int64_t>(taps_.size()) * steps_;
  problem.column_bytes = problem.steps * kStepBytes * tiles_.panels;
  problem.strips = true;
  problem.store_ns = estimated_store_ns(kernel);
  problem.steps_per_ns = estimated_steps_per_ns(kernel);
  problem.threads = threads;
  const Blocking blocking = choose_blocking(problem);
  line_parts_ =
      static_cast<int>(std::min<std::int64_t>(blocking.row_parts, shape.batch * shape.out_h));
  column_parts_ = blocking.column_parts;
  block_lines_ = std::clamp<std::int64_t>(
      ((line_taps_ ? kImageBlockBytes : kBlockBytes) / (pitch_ * channels_) - extra_lines_) /
          shape.stride_h,
      1, shape.out_h);
  // Behind the last line its border, before the first line another.
  const std::int64_t positions = (input_lines(block_lines_) + 2) * pitch_;
  scratch_bytes_ = align_up(static_cast<std::size_t>(positions * channels_) + kBufferMargin, 4096);
  scratch_ = allocate_buffer(scratch_bytes_ * static_cast<std::size_t>(line_parts_) *
                             static_cast<std::size_t>(column_parts_));
}

/// Copies the weights so that every kernel line begins at a whole step.
void SlidingGemm::align_line_weights() {
  const std::int64_t line = shape_.kernel_w * channels_;
  const auto panels =
      static_cast<std::size_t>((shape_.out_channels + kPanelChannels - 1) / kPanelChannels);
  const auto aligned_bytes = static_cast<std::size_t>(shape_.kernel_h * steps_) * kStepBytes;
  line_weights_ = allocate_buffer(panels * aligned_bytes);
  auto* to = static_cast<std::byte*>(line_weights_.get());
  std::memset(to, 0, panels * aligned_bytes);
  // Byte `n` of depth `k` of a panel.
  const auto at = [](std::int64_t k, std::int64_t n) { return k / 4 * kStepBytes + n * 4 + k % 4; };
  for (std::size_t panel = 0; panel < panels; ++panel) {
    const std::byte* from = weights_ + panel * panel_bytes_;
    for (std::int64_t ky = 0; ky < shape_.kernel_h; ++ky) {
      for (std::int64_t k = 0; k < line; ++k) {
        for (std::int64_t n = 0; n < kPanelChannels; ++n) {
          to[at(ky * steps_ * 4 + k, n)] = from[at(ky * line + k, n)];
        }
      }
    }
    to += aligned_bytes;
  }
  for (ColumnBlock& block : columns_) {
    block.weights_offset = block.weights_offset / panel_bytes_ * aligned_bytes;
  }
  panel_bytes_ = aligned_bytes;
  weights_ = static_cast<const std::byte*>(line_weights_.get());
}

void SlidingGemm::run(ThreadPool& pool) {
  pool.parallel_for(static_cast<std::size_t>(line_parts_ * column_parts_),
                    [this](std::size_t part) { run_part(static_cast<int>(part)); });
}

void SlidingGemm::run_part(int part) {
  const GemmSession session(kernel_);
  const std::int64_t line_part = part / column_parts_;
  const std::int64_t lines = shape_.batch * shape_.out_h;
  const std::int64_t end = lines * (line_part + 1) / line_parts_;
  for (std::int64_t line = lines * line_part / line_parts_; line < end;) {
    const std::int64_t image_end = (line / shape_.out_h + 1) * shape_.out_h;
    const std::int64_t count = std::min({block_lines_, end - line, image_end - line});
    run_block(part, line, count);
    line += count;
  }
}

void SlidingGemm::run_block(int part, std::int64_t first_line, std::int64_t lines) {
  auto* block = static_cast<std::byte*>(scratch_.get()) + scratch_bytes_ * part;
  const auto column_part = static_cast<std::size_t>(part % column_parts_);
  const auto column_parts = static_cast<std::size_t>(column_parts_);
  std::int64_t copied_group = -1;
  for (std::size_t i = columns_.size() * column_part / column_parts;
       i < columns_.size() * (column_part + 1) / column_parts; ++i) {
    if (columns_[i].group != copied_group) {
      copied_group = columns_[i].group;
      copy_lines(copied_group, first_line, lines, block);
    }
    run_strip(columns_[i], block, first_line, lines);
  }
}

void SlidingGemm::copy_lines(std::int64_t group, std::int64_t first_line, std::int64_t lines,
                             std::byte* block) const {
  const ConvShape& s = shape_;
  const auto zero = [&](std::int64_t positions) {
    std::memset(block, 0, static_cast<std::size_t>(positions * channels_));
    block += positions * channels_;
  };
  const std::int64_t image = first_line / s.out_h;
  const std::int64_t top = first_line % s.out_h * s.stride_h - s.pad_top;
  zero(s.pad_left);
  for (std::int64_t iy = top; iy < top + input_lines(lines); ++iy) {
    if (iy < 0 || iy >= s.in_h) {
      zero(pitch_);
      continue;
    }
    const std::byte* from =
        x_ + (image * s.in_h + iy) * s.in_w * s.x_pixel_stride + group * channels_;
    if (channels_ == s.x_pixel_stride) {
      std::memcpy(block, from, static_cast<std::size_t>(s.in_w * channels_));
      block += s.in_w * channels_;
    } else {
      for (std::int64_t ix = 0; ix < s.in_w; ++ix, from += s.x_pixel_stride, block += channels_) {
        std::memcpy(block, from, static_cast<std::size_t>(channels_));
      }
    }
    zero(pitch_ - s.in_w);
  }
}

/// Stores what a strip kernel hands over: the rows that are pixels. Row 0 of the strip is position
/// 0 of line `first_line`.
struct SlidingGemm::StripStore {
  const SlidingGemm& gemm;
  const ColumnBlock& columns;
  std::int64_t first_line;

  static void store(const void* context, const std::int32_t* acc, std::int64_t acc_stride,
                    std::int64_t first_row, int rows) {
    const auto& self = *static_cast<const StripStore*>(context);
    const SlidingGemm& gemm = self.gemm;
    AccumulatorTile tile;
    tile.row_stride = acc_stride;
    tile.columns = self.columns.channels;
    tile.first_channel = self.columns.first_channel;
    if (!gemm.across_lines_) {
      tile.acc = acc;
      tile.rows = rows;
      tile.first_pixel = self.first_line * gemm.shape_.out_w + first_row;
      return gemm.store_(gemm.store_plan_, tile);
    }
    const std::int64_t end = first_row + rows;
    std::int64_t line = first_row / gemm.pitch_;
    for (std::int64_t at = first_row; at < end; ++line) {
      const std::int64_t ox = at - line * gemm.pitch_;
      const std::int64_t pixels = std::min(end - at, gemm.shape_.out_w - ox);
      if (pixels > 0) {
        tile.acc = acc + (at - first_row) * acc_stride;
        tile.rows = static_cast<int>(pixels);
        tile.first_pixel = (self.first_line + line) * gemm.shape_.out_w + ox;
        gemm.store_(gemm.store_plan_, tile);
      }
      at = std::min(end, (line + 1) * gemm.pitch_);
    }
  }
};

void SlidingGemm::run_strip(const ColumnBlock& columns, const std::byte* block,
                            std::int64_t first_line, std::int64_t lines) const {
  alignas(64) std::int32_t acc[2 * kMaxTileAccumulators];
  const StripStore store{*this, columns, first_line};
  GemmStrip strip;
  strip.a = block;
  strip.a_row_bytes = shape_.stride_w * channels_;
  if (across_lines_) {
    strip.rows = (lines - 1) * pitch_ + shape_.out_w;
  } else {
    strip.rows = shape_.out_w;
    strip.lines = lines;
    strip.a_line_bytes = shape_.stride_h * pitch_ * channels_;
  }
  strip.b = weights_ + columns.weights_offset;
  strip.b_panel_bytes = static_cast<std::ptrdiff_t>(panel_bytes_);
  strip.panels = columns.panels;
  strip.steps = steps_;
  strip.taps = taps_.data();
  strip.tap_count = static_cast<std::int64_t>(taps_.size());
  strip.tiles = tiles_;
  strip.acc = acc;
  strip.store = StripStore::store;
  strip.context = &store;
  kernel_.run_strip(strip);
}

}  // namespace xinfer::kernels
