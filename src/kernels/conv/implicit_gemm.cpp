// Cutting a product into parts, blocks and tiles; the only loops between a convolution and its
// micro-kernel.
#include "kernels/conv/implicit_gemm.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/aligned_buffer.h"
#include "kernels/conv/strip_tiles.h"

namespace xinfer::kernels {
namespace {

/// Start values of layers that need no compensation.
alignas(64) constexpr std::int32_t kZeros[kMaxStoreColumns] = {};

std::int64_t element_bytes(ConvType type) { return type == ConvType::kF32 ? 4 : 1; }

/// Rows a multiple of 1 KB apart fall into few sets of an L1 of 64 sets.
std::size_t spread_over_sets(std::size_t bytes) {
  const std::size_t aligned = align_up(bytes, kBufferAlignment);
  return aligned % 1024 == 0 ? aligned + kBufferAlignment : aligned;
}

}  // namespace

ImplicitGemm::ImplicitGemm(const ConvShape& shape, const ConvArguments& arguments,
                           const StorePlan& store, const GemmKernel& kernel, CpuIsa isa,
                           int threads)
    : source_{shape, kernel.type, kernel.format, static_cast<const std::byte*>(arguments.x)},
      weights_(static_cast<const std::byte*>(arguments.packed_weights)),
      store_plan_(store),
      kernel_(kernel),
      store_(select_store(store, isa)),
      gather_(select_gather(isa)) {
  const std::int64_t depth = shape.kernel_h * shape.kernel_w * (shape.in_channels / shape.groups);
  const std::int64_t panels =
      (shape.out_channels / shape.groups + kPanelChannels - 1) / kPanelChannels;
  int tile_panels = kernel.max_panels;
  tile_rows_ = kernel.max_rows;
  if (kernel.run_strip != nullptr) {
    strip_tiles_ = choose_strip_tiles(shape.pixels(), panels, depth);
    tile_rows_ = strip_tiles_.row_tiles * kPanelChannels;
    tile_panels = strip_tiles_.panels;
  }
  name_ = fmt::format("conv_{}_{}x{}", kernel.name, tile_rows_, tile_panels * kPanelChannels);
  steps_ = kernel.type == ConvType::kF32 ? depth : (depth + 3) / 4;
  panel_bytes_ = panel_bytes(depth, kernel.type);
  direct_ = rows_lie_in_memory();
  const std::size_t gathered = row_bytes(shape, kernel.format);
  row_stride_ = direct_
                    ? static_cast<std::size_t>(shape.x_pixel_stride * element_bytes(kernel.type))
                    : spread_over_sets(gathered + kRowSlack);
  columns_ = plan_columns(shape, kernel.type, tile_panels);
  BlockingProblem problem;
  problem.rows = shape.pixels();
  problem.column_blocks = static_cast<std::int64_t>(columns_.size());
  problem.tile_rows = tile_rows_;
  problem.tile_columns = tile_panels * kPanelChannels;
  problem.row_bytes = static_cast<std::int64_t>(gathered);
  problem.image_bytes =
      shape.batch * shape.in_h * shape.in_w * shape.in_channels * element_bytes(kernel.type);
  problem.column_bytes = static_cast<std::int64_t>(panel_bytes_) * tile_panels;
  problem.steps = steps_;
  problem.gathered = !direct_;
  problem.strips = kernel.run_strip != nullptr;
  problem.store_ns = estimated_store_ns(kernel);
  problem.steps_per_ns = estimated_steps_per_ns(kernel);
  problem.threads = threads;
  blocking_ = choose_blocking(problem);
  if (!direct_) {
    scratch_bytes_ = align_up(
        static_cast<std::size_t>(blocking_.block_rows) * row_stride_ + kBufferMargin, 4096);
    scratch_ = allocate_buffer(scratch_bytes_ * static_cast<std::size_t>(blocking_.row_parts) *
                               static_cast<std::size_t>(blocking_.column_parts));
  }
}

/// A 1x1 convolution without stride or border reads rows where they are, if the micro-kernel takes
/// elements as they are in memory.
bool ImplicitGemm::rows_lie_in_memory() const {
  const ConvShape& s = source_.shape;
  if (s.kernel_h * s.kernel_w != 1 || s.stride_h != 1 || s.stride_w != 1) return false;
  if (s.pad_top != 0 || s.pad_left != 0 || s.out_h != s.in_h || s.out_w != s.in_w) return false;
  if (source_.format == RowFormat::kWide) return false;
  // Rows a page apart fall into one set of an L1 of 64 sets.
  if (s.x_pixel_stride * element_bytes(source_.type) % 4096 == 0) return false;
  return source_.format != RowFormat::kUnsigned || source_.type == ConvType::kU8S8;
}

void ImplicitGemm::rebind(const void* x, const void* packed_weights, std::int64_t first_pixel) {
  source_.x = static_cast<const std::byte*>(x);
  weights_ = static_cast<const std::byte*>(packed_weights);
  pixel_offset_ = first_pixel;
}

void ImplicitGemm::run_rows(std::int64_t first, std::int64_t last) {
  const GemmSession session(kernel_);
  for (std::int64_t row = first; row < last; row += blocking_.block_rows) {
    run_block(0, row, std::min(blocking_.block_rows, last - row), 0, columns_.size());
  }
}

void ImplicitGemm::run(ThreadPool& pool) {
  const auto parts = static_cast<std::size_t>(blocking_.row_parts * blocking_.column_parts);
  pool.parallel_for(parts, [this](std::size_t part) { run_part(static_cast<int>(part)); });
}

void ImplicitGemm::run_part(int part) {
  const GemmSession session(kernel_);
  const int row_part = part / blocking_.column_parts;
  const auto column_part = static_cast<std::size_t>(part % blocking_.column_parts);
  const auto column_parts = static_cast<std::size_t>(blocking_.column_parts);
  const std::int64_t tile = tile_rows_;
  const std::int64_t rows = source_.shape.pixels();
  const std::int64_t tiles = (rows + tile - 1) / tile;
  const std::int64_t begin = tiles * row_part / blocking_.row_parts * tile;
  const std::int64_t end = std::min(rows, tiles * (row_part + 1) / blocking_.row_parts * tile);
  for (std::int64_t row = begin; row < end; row += blocking_.block_rows) {
    run_block(part, row, std::min(blocking_.block_rows, end - row),
              columns_.size() * column_part / column_parts,
              columns_.size() * (column_part + 1) / column_parts);
  }
}

void ImplicitGemm::run_block(int part, std::int64_t first_row, std::int64_t rows,
                             std::size_t first_column, std::size_t last_column) {
  const ConvShape& s = source_.shape;
  const auto group_bytes =
      static_cast<std::size_t>(s.in_channels / s.groups * element_bytes(kernel_.type));
  auto* scratch = static_cast<std::byte*>(scratch_.get()) + scratch_bytes_ * part;
  std::int64_t gathered_group = -1;
  for (std::size_t i = first_column; i < last_column; ++i) {
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
  strip.tiles = strip_tiles_;
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
  tile.start = shifted ? static_cast<const void*>(weights_ + block.start_offset) : kZeros;
  tile.acc = acc;
  AccumulatorTile result;
  result.acc = acc;
  result.row_stride = block.panels * kPanelChannels;
  result.columns = block.channels;
  result.first_channel = block.first_channel;
  for (std::int64_t row = 0; row < rows; row += kernel_.max_rows) {
    tile.a = rows_begin + static_cast<std::size_t>(row) * row_stride_;
    result.rows = static_cast<int>(std::min<std::int64_t>(kernel_.max_rows, rows - row));
    result.first_pixel = pixel_offset_ + first_row + row;
    kernel_.run(tile, result.rows, block.panels);
    store_(store_plan_, result);
  }
}

}  // namespace xinfer::kernels
