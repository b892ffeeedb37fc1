// Bordered blocks of lines, the tiles that slide over them, and which of their rows are pixels.
#include "kernels/conv/sliding_gemm.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "core/aligned_buffer.h"
#include "kernels/conv/blocking.h"

namespace xinfer::kernels {
namespace {

/// A block of input lines stays in L2 beside the weights that pass over it.
constexpr std::int64_t kBlockBytes = 256 * 1024;

alignas(64) constexpr std::int32_t kZeros[kMaxStoreColumns] = {};

std::int64_t span(std::int64_t kernel, std::int64_t dilation) {
  return (kernel - 1) * dilation + 1;
}

/// Positions from one line to the next: the wider of the two borders serves both lines.
std::int64_t line_pitch(const ConvShape& s) {
  const std::int64_t right = s.out_w - 1 + span(s.kernel_w, s.dilation_w) - s.pad_left - s.in_w;
  return s.in_w + std::max(s.pad_left, std::max<std::int64_t>(right, 0));
}

}  // namespace

bool SlidingGemm::applies(const ConvShape& s, const GemmKernel& kernel) {
  if (!kernel.sliding || s.kernel_h * s.kernel_w == 1) return false;
  if (s.stride_h != 1 || s.stride_w != 1) return false;
  return s.in_channels / s.groups % kDepthAlignment == 0 && s.out_w <= line_pitch(s);
}

SlidingGemm::SlidingGemm(const ConvShape& shape, const ConvArguments& arguments,
                         const StorePlan& store, const GemmKernel& kernel, CpuIsa isa, int threads)
    : shape_(shape),
      x_(static_cast<const std::byte*>(arguments.x)),
      weights_(static_cast<const std::byte*>(arguments.packed_weights)),
      store_plan_(store),
      kernel_(kernel),
      store_(select_store(store, isa)),
      name_(fmt::format("conv_sliding_{}_{}x{}", kernel.name, kernel.max_rows,
                        kernel.max_panels * kPanelChannels)),
      columns_(plan_columns(shape, kernel)),
      channels_(shape.in_channels / shape.groups),
      pitch_(line_pitch(shape)),
      extra_lines_(span(shape.kernel_h, shape.dilation_h) - 1) {
  for (std::int64_t ky = 0; ky < shape.kernel_h; ++ky) {
    for (std::int64_t kx = 0; kx < shape.kernel_w; ++kx) {
      taps_.push_back((ky * shape.dilation_h * pitch_ + kx * shape.dilation_w) * channels_);
    }
  }
  BlockingProblem problem;
  problem.rows = shape.batch * shape.out_h * pitch_;
  problem.column_blocks = static_cast<std::int64_t>(columns_.size());
  problem.tile_rows = kernel.max_rows;
  problem.tile_columns = kernel.max_panels * kPanelChannels;
  problem.row_bytes = channels_;
  problem.steps = shape.kernel_h * shape.kernel_w * channels_ / 4;
  problem.column_bytes = problem.steps * kStepBytes * kernel.max_panels;
  problem.steps_per_ns = estimated_steps_per_ns(kernel);
  problem.threads = threads;
  const Blocking blocking = choose_blocking(problem);
  line_parts_ =
      static_cast<int>(std::min<std::int64_t>(blocking.row_parts, shape.batch * shape.out_h));
  column_parts_ = blocking.column_parts;
  block_lines_ =
      std::clamp<std::int64_t>(kBlockBytes / (pitch_ * channels_) - extra_lines_, 1, shape.out_h);
  // Behind the last line its border, before the first line another.
  const std::int64_t positions = (block_lines_ + extra_lines_ + 2) * pitch_;
  scratch_bytes_ = align_up(static_cast<std::size_t>(positions * channels_) + kBufferMargin, 4096);
  scratch_ = allocate_buffer(scratch_bytes_ * static_cast<std::size_t>(line_parts_) *
                             static_cast<std::size_t>(column_parts_));
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
    run_tiles(columns_[i], block, first_line, lines);
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
  const std::int64_t top = first_line % s.out_h - s.pad_top;
  zero(s.pad_left);
  for (std::int64_t iy = top; iy < top + lines + extra_lines_; ++iy) {
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

void SlidingGemm::run_tiles(const ColumnBlock& columns, const std::byte* block,
                            std::int64_t first_line, std::int64_t lines) const {
  alignas(64) std::int32_t acc[kMaxTileAccumulators];
  GemmTile tile;
  tile.a_row_bytes = channels_;
  tile.b = weights_ + columns.weights_offset;
  tile.b_panel_bytes = static_cast<std::ptrdiff_t>(
      panel_bytes(shape_.kernel_h * shape_.kernel_w * channels_, kernel_.type));
  tile.steps = channels_ / 4;
  tile.taps = taps_.data();
  tile.tap_count = static_cast<std::int64_t>(taps_.size());
  tile.start = kZeros;
  tile.acc = acc;
  AccumulatorTile result;
  result.acc = acc;
  result.row_stride = columns.panels * kPanelChannels;
  result.columns = columns.channels;
  result.first_channel = columns.first_channel;
  const std::int64_t positions = (lines - 1) * pitch_ + shape_.out_w;
  for (std::int64_t at = 0; at < positions; at += kernel_.max_rows) {
    tile.a = block + at * channels_;
    result.rows = static_cast<int>(std::min<std::int64_t>(kernel_.max_rows, positions - at));
    kernel_.run(tile, result.rows, columns.panels);
    store_tile(result, first_line, at);
  }
}

/// Stores the tile's rows that are pixels; `position` of the first row counts from `first_line`.
void SlidingGemm::store_tile(AccumulatorTile tile, std::int64_t first_line,
                             std::int64_t position) const {
  const std::int64_t end = position + tile.rows;
  const auto* acc = static_cast<const std::int32_t*>(tile.acc);
  for (std::int64_t at = position; at < end;) {
    const std::int64_t ox = at % pitch_;
    const std::int64_t line_end = at - ox + pitch_;
    const std::int64_t pixels = std::min(end - at, shape_.out_w - ox);
    if (pixels > 0) {
      tile.acc = acc + (at - position) * tile.row_stride;
      tile.rows = static_cast<int>(pixels);
      tile.first_pixel = (first_line + at / pitch_) * shape_.out_w + ox;
      store_(store_plan_, tile);
    }
    at = std::min(end, line_end);
  }
}

}  // namespace xinfer::kernels
