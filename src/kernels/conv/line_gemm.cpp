#include "kernels/conv/line_gemm.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/aligned_buffer.h"
#include "kernels/conv/product_parts.h"

namespace xinfer::kernels {
namespace {

/// A block of lines stays in L1 where all weights stay in L2 beside it, else in L2, so that larger
/// weights pass over it seldom.
constexpr std::int64_t kShortBlockBytes = 16 * 1024;
constexpr std::int64_t kLongBlockBytes = 256 * 1024;
constexpr std::int64_t kCachedWeightBytes = 256 * 1024;

/// Layers with more input channels are not copied to make kernel lines begin at whole steps.
constexpr std::int64_t kMostAlignedChannels = 64;

std::int64_t line_steps(const ConvShape& s, ConvType type) {
  const std::int64_t line = s.kernel_w * s.in_channels;
  return type == ConvType::kF32 ? line : (line + 3) / 4;
}

bool has_three_taps(const ConvShape& s, const GemmKernel& kernel) {
  return kernel.run_three_taps != nullptr && s.kernel_w == 3 && s.stride_w == 1 &&
         s.in_channels % 4 == 0;
}

/// Speed of tiles of `rows` against tiles of all rows: a step loads a row's bytes and the weights.
double tile_efficiency(int rows, const GemmKernel& kernel) {
  const auto share = [](double n) { return n / (n + 1); };
  return share(rows) / share(kernel.max_rows);
}

}  // namespace

bool LineGemm::applies(const ConvShape& s, const GemmKernel& kernel) {
  if (kernel.run == nullptr || s.kernel_h * s.kernel_w == 1) return false;
  if (s.groups != 1 || s.dilation_w != 1) return false;
  return kernel.type == ConvType::kF32 || s.kernel_w * s.in_channels % 4 == 0 ||
         s.in_channels < kMostAlignedChannels;
}

EstimatedTactic LineGemm::choose_tactic(const ConvShape& shape, const GemmKernel& kernel,
                                        int threads) {
  const BorderedLines lines(shape, kernel.type, kernel.format, nullptr);
  const std::int64_t steps = shape.kernel_h * line_steps(shape, kernel.type);
  ConvTactic tactic;
  tactic.rows = RowAccess::kLines;
  tactic.tile_panels = kernel.max_panels;
  const std::int64_t tiles = (shape.out_w + kernel.max_rows - 1) / kernel.max_rows;
  tactic.tile_rows = static_cast<int>((shape.out_w + tiles - 1) / tiles);
  BlockingProblem problem = tiled_problem(shape, kernel, tactic, threads);
  problem.row_bytes = lines.position_bytes();
  problem.image_bytes = shape.batch * shape.in_h * shape.in_w * lines.position_bytes();
  problem.column_bytes = steps * kStepBytes * tactic.tile_panels;
  problem.steps = steps;
  problem.gathered = false;
  const bool cached = problem.column_blocks * problem.column_bytes <= kCachedWeightBytes;
  tactic.block_rows = lines.lines_within(cached ? kShortBlockBytes : kLongBlockBytes);
  const double blocks =
      static_cast<double>(shape.batch * shape.out_h) / static_cast<double>(tactic.block_rows);
  problem.copied_bytes =
      blocks * static_cast<double>(lines.input_lines(tactic.block_rows) * lines.line_bytes());
  problem.steps_per_ns *= tile_efficiency(tactic.tile_rows, kernel);
  const Blocking blocking = choose_blocking(problem);
  tactic.row_parts =
      static_cast<int>(std::min<std::int64_t>(blocking.row_parts, shape.batch * shape.out_h));
  tactic.column_parts = blocking.column_parts;
  return {tactic, blocking.estimated_ns};
}

LineGemm::LineGemm(const ConvShape& shape, const ConvArguments& arguments, const StorePlan& store,
                   const GemmKernel& kernel, CpuIsa isa, const ConvTactic& tactic)
    : shape_(shape),
      kernel_(kernel),
      tactic_(tactic),
      lines_(shape, kernel.type, kernel.format, static_cast<const std::byte*>(arguments.x)),
      store_plan_(store),
      store_(select_store(store, isa)),
      finished_(select_finished_tiles(kernel, store)),
      name_(fmt::format("conv_lines_{}_{}x{}", kernel.name, tactic.tile_rows,
                        tactic.tile_panels * kPanelChannels)),
      packed_(static_cast<const std::byte*>(arguments.packed_weights)),
      weights_(packed_),
      columns_(plan_columns(shape, kernel.type, tactic.tile_panels)),
      panel_bytes_(panel_bytes(shape.kernel_h * shape.kernel_w * shape.in_channels, kernel.type)),
      steps_(line_steps(shape, kernel.type)),
      three_taps_(has_three_taps(shape, kernel)),
      compensated_(kernel.format == RowFormat::kUnsigned && kernel.type == ConvType::kS8S8) {
  if (kernel.type != ConvType::kF32 && shape.kernel_w * shape.in_channels % 4 != 0) {
    line_weights_ = align_line_weights(shape, packed_, steps_, columns_, panel_bytes_);
    weights_ = static_cast<const std::byte*>(line_weights_.get());
  }
  scratch_bytes_ = lines_.block_bytes(tactic.block_rows);
  scratch_ = allocate_buffer(scratch_bytes_ * part_count(tactic));
}

bool LineGemm::rebind(const ConvArguments& arguments) {
  lines_.set_input(static_cast<const std::byte*>(arguments.x));
  rebind_store_plan(&store_plan_, arguments.y, arguments.epilogue);
  return true;
}

void LineGemm::run(ThreadPool& pool) {
  run_parts(pool, tactic_, shape_.batch * shape_.out_h, /*unit=*/1, columns_.size(),
            [this](const ProductPart& part) { run_part(part); });
}

void LineGemm::run_part(const ProductPart& part) const {
  auto* block = static_cast<std::byte*>(scratch_.get()) + scratch_bytes_ * part.index;
  for_each_line_block(part, tactic_, shape_.out_h, [&](std::int64_t line, std::int64_t lines) {
    lines_.copy(/*group=*/0, line, lines, block);
    for (std::size_t i = part.first_column; i < part.last_column; ++i) {
      run_block(columns_[i], block, line, lines);
    }
  });
}

void LineGemm::run_block(const ColumnBlock& columns, const std::byte* block,
                         std::int64_t first_line, std::int64_t lines) const {
  alignas(64) std::int32_t acc[kMaxTileAccumulators];
  GemmTile tile;
  tile.a_row_bytes = shape_.stride_w * lines_.position_bytes();
  tile.b = weights_ + columns.weights_offset;
  tile.b_panel_bytes = static_cast<std::ptrdiff_t>(panel_bytes_);
  tile.steps = steps_;
  tile.lines = shape_.kernel_h;
  tile.a_line_bytes = shape_.dilation_h * lines_.line_bytes();
  tile.start = compensated_ ? static_cast<const void*>(packed_ + columns.start_offset) : kZeroStart;
  tile.acc = acc;
  AccumulatorTile result;
  result.acc = acc;
  result.row_stride = columns.panels * kPanelChannels;
  result.columns = columns.channels;
  result.first_channel = columns.first_channel;
  const bool three_taps = three_taps_ && columns.panels == 1;
  if (three_taps) tile.steps = steps_ / 3;
  // Tiles of a line are of equal rows, as far as they can.
  const std::int64_t tiles = (shape_.out_w + tactic_.tile_rows - 1) / tactic_.tile_rows;
  for (std::int64_t line = 0; line < lines; ++line) {
    const std::byte* row = block + line * shape_.stride_h * lines_.line_bytes();
    const std::int64_t pixel = (first_line + line) * shape_.out_w;
    for (std::int64_t i = 0; i < tiles; ++i) {
      const std::int64_t first = shape_.out_w * i / tiles;
      const auto rows = static_cast<int>(shape_.out_w * (i + 1) / tiles - first);
      tile.a = row + first * tile.a_row_bytes;
      result.rows = rows;
      result.first_pixel = pixel + first;
      if (const FinishedTile finish = finished_.find(rows, result.columns); finish != nullptr) {
        finish(tile, store_plan_, result);
        continue;
      }
      three_taps ? kernel_.run_three_taps(tile, rows) : kernel_.run(tile, rows, columns.panels);
      store_(store_plan_, result);
    }
  }
}

}  // namespace xinfer::kernels
