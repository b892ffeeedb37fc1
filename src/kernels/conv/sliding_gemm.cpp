// Bordered blocks of lines, the tiles that slide over them, and which of their rows are pixels.
#include "kernels/conv/sliding_gemm.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/aligned_buffer.h"
#include "kernels/conv/product_parts.h"
#include "kernels/conv/strip_tiles.h"

namespace xinfer::kernels {
namespace {

/// A block of input lines stays in L2 beside the weights that pass over it.
constexpr std::int64_t kBlockBytes = 256 * 1024;

/// The same where few columns pass over a block: it stays in L1.
constexpr std::int64_t kImageBlockBytes = 24 * 1024;
/// A strip of lines needs as many rows to fill tiles; shorter lines are gathered.
constexpr std::int64_t kLeastLine = 12;

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

std::int64_t line_pitch(const ConvShape& s) {
  return BorderedLines(s, ConvType::kU8S8, RowFormat::kBytes, nullptr).pitch();
}

bool runs_across_lines(const ConvShape& s) {
  return s.stride_h == 1 && s.stride_w == 1 && s.out_w <= line_pitch(s);
}

std::int64_t tap_count(const ConvShape& s) {
  return s.kernel_h * (has_line_taps(s) ? 1 : s.kernel_w);
}

std::int64_t tap_steps(const ConvShape& s) {
  return (has_line_taps(s) ? line_depth(s) : s.in_channels / s.groups) / 4;
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

EstimatedTactic SlidingGemm::choose_tactic(const ConvShape& shape, const GemmKernel& kernel,
                                           int threads) {
  const BorderedLines lines(shape, kernel.type, kernel.format, nullptr);
  const bool line_taps = has_line_taps(shape);
  const StripTiles tiles = tiles_for(shape);
  ConvTactic tactic;
  tactic.rows = RowAccess::kLines;
  tactic.tile_rows = tiles.row_tiles * kPanelChannels;
  tactic.tile_panels = tiles.panels;
  tactic.block_rows = lines.lines_within(line_taps ? kImageBlockBytes : kBlockBytes);
  BlockingProblem problem = tiled_problem(shape, kernel, tactic, threads);
  if (runs_across_lines(shape)) problem.rows = shape.batch * shape.out_h * lines.pitch();
  problem.row_bytes = lines.position_bytes();
  problem.image_bytes = shape.batch * shape.in_h * shape.in_w * shape.in_channels;
  problem.steps = tap_count(shape) * tap_steps(shape);
  problem.column_bytes = problem.steps * kStepBytes * tiles.panels;
  const Blocking blocking = choose_blocking(problem);
  tactic.row_parts =
      static_cast<int>(std::min<std::int64_t>(blocking.row_parts, shape.batch * shape.out_h));
  tactic.column_parts = blocking.column_parts;
  return {tactic, blocking.estimated_ns};
}

SlidingGemm::SlidingGemm(const ConvShape& shape, const ConvArguments& arguments,
                         const StorePlan& store, const GemmKernel& kernel, CpuIsa isa,
                         const ConvTactic& tactic)
    : shape_(shape),
      tactic_(tactic),
      lines_(shape, kernel.type, kernel.format, static_cast<const std::byte*>(arguments.x)),
      weights_(static_cast<const std::byte*>(arguments.packed_weights)),
      store_plan_(store),
      kernel_(kernel),
      store_(select_store(store, isa)),
      tiles_{tactic.tile_rows / kPanelChannels, tactic.tile_panels},
      name_(fmt::format("conv_{}_{}_{}x{}", runs_across_lines(shape) ? "sliding" : "lines",
                        kernel.name, tactic.tile_rows, tactic.tile_panels * kPanelChannels)),
      columns_(plan_columns(shape, kernel.type, tactic.tile_panels)),
      line_taps_(has_line_taps(shape)),
      across_lines_(runs_across_lines(shape)),
      steps_(tap_steps(shape)),
      panel_bytes_(panel_bytes(shape.kernel_h * shape.kernel_w * (shape.in_channels / shape.groups),
                               kernel.type)),
      channels_(shape.in_channels / shape.groups) {
  if (line_taps_) {
    line_weights_ = align_line_weights(shape, weights_, steps_, columns_, panel_bytes_);
    weights_ = static_cast<const std::byte*>(line_weights_.get());
  }
  for (std::int64_t ky = 0; ky < shape.kernel_h; ++ky) {
    for (std::int64_t kx = 0; kx < (line_taps_ ? 1 : shape.kernel_w); ++kx) {
      taps_.push_back((ky * shape.dilation_h * lines_.pitch() + kx * shape.dilation_w) * channels_);
    }
  }
  scratch_bytes_ = lines_.block_bytes(tactic.block_rows);
  scratch_ = allocate_buffer(scratch_bytes_ * part_count(tactic));
}

bool SlidingGemm::rebind(const ConvArguments& arguments) {
  lines_.set_input(static_cast<const std::byte*>(arguments.x));
  rebind_store_plan(&store_plan_, arguments.y, arguments.epilogue);
  return true;
}

void SlidingGemm::run(ThreadPool& pool) {
  run_parts(pool, tactic_, shape_.batch * shape_.out_h, /*unit=*/1, columns_.size(),
            [this](const ProductPart& part) { run_part(part); });
}

void SlidingGemm::run_part(const ProductPart& part) {
  const GemmSession session(kernel_);
  for_each_line_block(
      part, tactic_, shape_.out_h,
      [&](std::int64_t first_line, std::int64_t lines) { run_block(part, first_line, lines); });
}

void SlidingGemm::run_block(const ProductPart& part, std::int64_t first_line, std::int64_t lines) {
  auto* block = static_cast<std::byte*>(scratch_.get()) + scratch_bytes_ * part.index;
  std::int64_t copied_group = -1;
  for (std::size_t i = part.first_column; i < part.last_column; ++i) {
    if (columns_[i].group != copied_group) {
      copied_group = columns_[i].group;
      lines_.copy(copied_group, first_line, lines, block);
    }
    run_strip(columns_[i], block, first_line, lines);
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
    std::int64_t line = first_row / gemm.lines_.pitch();
    for (std::int64_t at = first_row; at < end; ++line) {
      const std::int64_t ox = at - line * gemm.lines_.pitch();
      const std::int64_t pixels = std::min(end - at, gemm.shape_.out_w - ox);
      if (pixels > 0) {
        tile.acc = acc + (at - first_row) * acc_stride;
        tile.rows = static_cast<int>(pixels);
        tile.first_pixel = (self.first_line + line) * gemm.shape_.out_w + ox;
        gemm.store_(gemm.store_plan_, tile);
      }
      at = std::min(end, (line + 1) * gemm.lines_.pitch());
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
    strip.rows = (lines - 1) * lines_.pitch() + shape_.out_w;
  } else {
    strip.rows = shape_.out_w;
    strip.lines = lines;
    strip.a_line_bytes = shape_.stride_h * lines_.pitch() * channels_;
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
