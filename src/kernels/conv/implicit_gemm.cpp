// Cutting a product into parts, blocks and tiles; the only loops between a convolution and its
// micro-kernel.
#include "kernels/conv/implicit_gemm.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/aligned_buffer.h"
#include "kernels/conv/product_parts.h"
#include "kernels/conv/strip_tiles.h"

namespace xinfer::kernels {
namespace {

std::int64_t element_bytes(ConvType type) { return type == ConvType::kF32 ? 4 : 1; }

/// Rows a multiple of 1 KB apart fall into few sets of an L1 of 64 sets.
std::size_t spread_over_sets(std::size_t bytes) {
  const std::size_t aligned = align_up(bytes, kBufferAlignment);
  return aligned % 1024 == 0 ? aligned + kBufferAlignment : aligned;
}

std::int64_t depth_of(const ConvShape& s) {
  return s.kernel_h * s.kernel_w * (s.in_channels / s.groups);
}

std::int64_t steps_of(std::int64_t depth, ConvType type) {
  return type == ConvType::kF32 ? depth : (depth + 3) / 4;
}

/// A 1x1 convolution without stride or border reads rows where they are, if the micro-kernel takes
/// elements as they are in memory.
bool rows_lie_in_memory(const ConvShape& s, const GemmKernel& kernel) {
  if (s.kernel_h * s.kernel_w != 1 || s.stride_h != 1 || s.stride_w != 1) return false;
  if (s.pad_top != 0 || s.pad_left != 0 || s.out_h != s.in_h || s.out_w != s.in_w) return false;
  if (kernel.format == RowFormat::kWide) return false;
  // Rows a page apart fall into one set of an L1 of 64 sets.
  if (s.x_pixel_stride * element_bytes(kernel.type) % 4096 == 0) return false;
  return kernel.format != RowFormat::kUnsigned || kernel.type == ConvType::kU8S8;
}

}  // namespace

EstimatedTactic ImplicitGemm::choose_tactic(const ConvShape& shape, const GemmKernel& kernel,
                                            int threads) {
  const std::int64_t depth = depth_of(shape);
  const std::int64_t panels =
      (shape.out_channels / shape.groups + kPanelChannels - 1) / kPanelChannels;
  ConvTactic tactic;
  tactic.tile_rows = kernel.max_rows;
  tactic.tile_panels = kernel.max_panels;
  if (kernel.run_strip != nullptr) {
    const StripTiles tiles = choose_strip_tiles(shape.pixels(), panels, depth);
    tactic.tile_rows = tiles.row_tiles * kPanelChannels;
    tactic.tile_panels = tiles.panels;
  }
  BlockingProblem problem = tiled_problem(shape, kernel, tactic, threads);
  problem.row_bytes = static_cast<std::int64_t>(row_bytes(shape, kernel.format));
  problem.image_bytes =
      shape.batch * shape.in_h * shape.in_w * shape.in_channels * element_bytes(kernel.type);
  problem.column_bytes =
      static_cast<std::int64_t>(panel_bytes(depth, kernel.type)) * tactic.tile_panels;
  problem.steps = steps_of(depth, kernel.type);
  problem.row_runs = shape.kernel_h;
  problem.gathered = !rows_lie_in_memory(shape, kernel);
  const Blocking blocking = choose_blocking(problem);
  tactic.block_rows = blocking.block_rows;
  tactic.row_parts = blocking.row_parts;
  tactic.column_parts = blocking.column_parts;
  return {tactic, blocking.estimated_ns};
}

ImplicitGemm::ImplicitGemm(const ConvShape& shape, const ConvArguments& arguments,
                           const StorePlan& store, const GemmKernel& kernel, CpuIsa isa,
                           const ConvTactic& tactic)
    : source_{shape, kernel.type, kernel.format, static_cast<const std::byte*>(arguments.x)},
      weights_(static_cast<const std::byte*>(arguments.packed_weights)),
      store_plan_(store),
      kernel_(kernel),
      store_(select_store(store, isa)),
      finished_(select_finished_tiles(kernel, store)),
      gather_(select_gather(isa)),
      name_(fmt::format("conv_{}_{}x{}", kernel.name, tactic.tile_rows,
                        tactic.tile_panels * kPanelChannels)),
      columns_(plan_columns(shape, kernel.type, tactic.tile_panels)),
      tactic_(tactic),
      steps_(steps_of(depth_of(shape), kernel.type)),
      panel_bytes_(panel_bytes(depth_of(shape), kernel.type)),
      direct_(rows_lie_in_memory(shape, kernel)) {
  row_stride_ = direct_
                    ? static_cast<std::size_t>(shape.x_pixel_stride * element_bytes(kernel.type))
                    : spread_over_sets(row_bytes(shape, kernel.format) + kRowSlack);
  if (!direct_) {
    scratch_bytes_ =
        align_up(static_cast<std::size_t>(tactic.block_rows) * row_stride_ + kBufferMargin, 4096);
    scratch_ = allocate_buffer(scratch_bytes_ * part_count(tactic));
  }
}

bool ImplicitGemm::rebind(const ConvArguments& arguments) {
  source_.x = static_cast<const std::byte*>(arguments.x);
  rebind_store_plan(&store_plan_, arguments.y, arguments.epilogue);
  return true;
}

void ImplicitGemm::set_operands(const void* x, const void* packed_weights,
                                std::int64_t first_pixel) {
  source_.x = static_cast<const std::byte*>(x);
  weights_ = static_cast<const std::byte*>(packed_weights);
  pixel_offset_ = first_pixel;
}

void ImplicitGemm::run_rows(std::int64_t first, std::int64_t last) {
  run_part({.begin = first, .end = last, .last_column = columns_.size()});
}

void ImplicitGemm::run(ThreadPool& pool) {
  run_parts(pool, tactic_, source_.shape.pixels(), tactic_.tile_rows, columns_.size(),
            [this](const ProductPart& part) { run_part(part); });
}

void ImplicitGemm::run_part(const ProductPart& part) {
  const GemmSession session(kernel_);
  for (std::int64_t row = part.begin; row < part.end; row += tactic_.block_rows) {
    run_block(part, row, std::min(tactic_.block_rows, part.end - row));
  }
}

void ImplicitGemm::run_block(const ProductPart& part, std::int64_t first_row, std::int64_t rows) {
  const ConvShape& s = source_.shape;
  const auto group_bytes =
      static_cast<std::size_t>(s.in_channels / s.groups * element_bytes(kernel_.type));
  auto* scratch = static_cast<std::byte*>(scratch_.get()) + scratch_bytes_ * part.index;
  std::int64_t gathered_group = -1;
  for (std::size_t i = part.first_column; i < part.last_column; ++i) {
    const ColumnBlock& block = columns_[i];
    if (direct_) {
      const std::byte* begin = source_.x + static_cast<std::size_t>(first_row) * row_stride_ +
                               static_cast<std::size_t>(block.group) * group_bytes;
      run_tiles(block, begin, first_row, rows);
      continue;
    }
    if (gathered_group != block.group) {
      gather_(source_, block.group, first_row, rows, scratch, row_stride_);
      gathered_group = block.group;
    }
    run_tiles(block, scratch, first_row, rows);
  }
}

/// Stores what a strip kernel hands over; `first_row` of the strip is pixel `first_pixel`.
struct ImplicitGemm::StripStore {
  const ImplicitGemm& gemm;
  const ColumnBlock& block;
  std::int64_t first_pixel;

  static void store(const void* context, const std::int32_t* acc, std::int64_t acc_stride,
                    std::int64_t first_row, int rows) {
    const auto& self = *static_cast<const StripStore*>(context);
    AccumulatorTile tile;
    tile.acc = acc;
    tile.row_stride = acc_stride;
    tile.rows = rows;
    tile.columns = self.block.channels;
    tile.first_pixel = self.first_pixel + first_row;
    tile.first_channel = self.block.first_channel;
    self.gemm.store_(self.gemm.store_plan_, tile);
  }
};

void ImplicitGemm::run_strip(const ColumnBlock& block, const std::byte* rows_begin,
                             std::int64_t first_row, std::int64_t rows) {
  alignas(64) std::int32_t acc[2 * kMaxTileAccumulators];
  const StripStore store{*this, block, pixel_offset_ + first_row};
  GemmStrip strip;
  strip.a = rows_begin;
  strip.a_row_bytes = static_cast<std::ptrdiff_t>(row_stride_);
  strip.rows = rows;
  strip.b = weights_ + block.weights_offset;
  strip.b_panel_bytes = static_cast<std::ptrdiff_t>(panel_bytes_);
  strip.panels = block.panels;
  strip.steps = steps_;
  strip.tiles = {tactic_.tile_rows / kPanelChannels, tactic_.tile_panels};
  strip.acc = acc;
  strip.store = StripStore::store;
  strip.context = &store;
  kernel_.run_strip(strip);
}

void ImplicitGemm::run_tiles(const ColumnBlock& block, const std::byte* rows_begin,
                             std::int64_t first_row, std::int64_t rows) {
  if (kernel_.run_strip != nullptr) return run_strip(block, rows_begin, first_row, rows);
  alignas(64) std::int32_t acc[kMaxTileAccumulators];
  const bool shifted = source_.format == RowFormat::kUnsigned && source_.type == ConvType::kS8S8;
  GemmTile tile;
  tile.a_row_bytes = static_cast<std::ptrdiff_t>(row_stride_);
  tile.b = weights_ + block.weights_offset;
  tile.b_panel_bytes = static_cast<std::ptrdiff_t>(panel_bytes_);
  tile.steps = steps_;
  tile.start = shifted ? static_cast<const void*>(weights_ + block.start_offset) : kZeroStart;
  tile.acc = acc;
  AccumulatorTile result;
  result.acc = acc;
  result.row_stride = block.panels * kPanelChannels;
  result.columns = block.channels;
  result.first_channel = block.first_channel;
  for (std::int64_t row = 0; row < rows; row += tactic_.tile_rows) {
    tile.a = rows_begin + static_cast<std::size_t>(row) * row_stride_;
    result.rows = static_cast<int>(std::min<std::int64_t>(tactic_.tile_rows, rows - row));
    result.first_pixel = pixel_offset_ + first_row + row;
    if (const FinishedTile finish = finished_.find(result.rows, result.columns);
        finish != nullptr) {
      finish(tile, store_plan_, result);
      continue;
    }
    kernel_.run(tile, result.rows, block.panels);
    store_(store_plan_, result);
  }
}

}  // namespace xinfer::kernels
