// Which tactics there are for a problem, in which order they are worth trying, and their text.
#include "kernels/conv/tactic.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "kernels/conv/bordered_lines.h"
#include "kernels/conv/implicit_gemm.h"
#include "kernels/conv/line_gemm.h"
#include "kernels/conv/sliding_gemm.h"

namespace xinfer::kernels {
namespace {

bool can_read_lines(const ConvShape& shape, const GemmKernel& kernel) {
  return SlidingGemm::applies(shape, kernel) || LineGemm::applies(shape, kernel);
}

EstimatedTactic choose_lines(const ConvShape& shape, const GemmKernel& kernel, int threads) {
  return kernel.run_strip != nullptr ? SlidingGemm::choose_tactic(shape, kernel, threads)
                                     : LineGemm::choose_tactic(shape, kernel, threads);
}

/// Rows or lines that can be shared among threads.
std::int64_t row_units(const ConvTactic& tactic, const ConvShape& shape) {
  return tactic.rows == RowAccess::kLines ? shape.batch * shape.out_h : shape.pixels();
}

/// A block's most rows: whole tiles over all of them, or the lines of an image.
std::int64_t most_block_rows(const ConvTactic& tactic, const ConvShape& shape) {
  if (tactic.rows == RowAccess::kLines) return shape.out_h;
  return (shape.pixels() + tactic.tile_rows - 1) / tactic.tile_rows * tactic.tile_rows;
}

std::int64_t column_blocks(const ConvTactic& tactic, const ConvShape& shape,
                           const GemmKernel& kernel) {
  return static_cast<std::int64_t>(plan_columns(shape, kernel.type, tactic.tile_panels).size());
}

bool fits_kernel(const ConvTactic& tactic, const GemmKernel& kernel) {
  if (kernel.run_strip != nullptr) {
    const int rows = tactic.tile_rows / kPanelChannels;
    return tactic.tile_rows % kPanelChannels == 0 && rows * tactic.tile_panels == 4 &&
           (rows == 1 || rows == 2 || rows == 4);
  }
  return tactic.tile_rows >= 1 && tactic.tile_rows <= kernel.max_rows && tactic.tile_panels >= 1 &&
         tactic.tile_panels <= kernel.max_panels;
}

/// Collects tactics, each once, as long as they can be run.
class TacticList {
 public:
  TacticList(const ConvShape& shape, const GemmKernel& kernel, int threads)
      : shape_(shape), kernel_(kernel), threads_(threads) {}

  void add(const ConvTactic& tactic) {
    if (std::find(list_.begin(), list_.end(), tactic) != list_.end()) return;
    if (check_tactic(tactic, shape_, kernel_, threads_).ok()) list_.push_back(tactic);
  }

  /// Blocks of a quarter to four times the rows, and of all.
  void add_blocks(ConvTactic tactic) {
    const std::int64_t unit = tactic.rows == RowAccess::kLines ? 1 : tactic.tile_rows;
    const std::int64_t most = most_block_rows(tactic, shape_);
    const std::int64_t units = tactic.block_rows / unit;
    for (const std::int64_t count : {units / 4, units / 2, units * 2, units * 4}) {
      tactic.block_rows = std::min(std::max<std::int64_t>(count, 1) * unit, most);
      add(tactic);
    }
    tactic.block_rows = most;
    add(tactic);
  }

  void add_parts(ConvTactic tactic) {
    for (tactic.row_parts = 1; tactic.row_parts <= threads_; ++tactic.row_parts) {
      tactic.column_parts = threads_ / tactic.row_parts;
      add(tactic);
    }
    tactic.row_parts = tactic.column_parts = 1;
    add(tactic);
  }

  void add_panels(ConvTactic tactic) {
    if (kernel_.run_strip == nullptr) {
      tactic.tile_panels = tactic.tile_panels == 1 ? kernel_.max_panels : 1;
      return add(tactic);
    }
    for (const int panels : {4, 2, 1}) {
      tactic.tile_panels = panels;
      tactic.tile_rows = 4 / panels * kPanelChannels;
      if (tactic.rows == RowAccess::kGathered) {
        const std::int64_t tiles = (tactic.block_rows + tactic.tile_rows - 1) / tactic.tile_rows;
        tactic.block_rows = tiles * tactic.tile_rows;
      }
      add(tactic);
    }
  }

  std::vector<ConvTactic> take() { return std::move(list_); }

 private:
  const ConvShape& shape_;
  const GemmKernel& kernel_;
  int threads_;
  std::vector<ConvTactic> list_;
};

}  // namespace

std::string to_string(const ConvTactic& t) {
  return fmt::format("{} {}x{} block {} parts {}x{}",
                     t.rows == RowAccess::kLines ? "lines" : "gathered", t.tile_rows,
                     t.tile_panels * kPanelChannels, t.block_rows, t.row_parts, t.column_parts);
}

Result<ConvTactic> parse_tactic(std::string_view text) {
  const std::string copy(text);
  char word[16] = {};
  int columns = 0;
  long long block = 0;
  ConvTactic t;
  const int fields = std::sscanf(copy.c_str(), "%15s %dx%d block %lld parts %dx%d", word,
                                 &t.tile_rows, &columns, &block, &t.row_parts, &t.column_parts);
  t.rows = std::string_view(word) == "lines" ? RowAccess::kLines : RowAccess::kGathered;
  t.tile_panels = columns / kPanelChannels;
  t.block_rows = block;
  if (fields != 6 || to_string(t) != text) {
    return invalid_argument("\"{}\": no tactic of a convolution", text);
  }
  return t;
}

ConvTactic choose_tactic(const ConvShape& shape, const GemmKernel& kernel, int threads) {
  if (SlidingGemm::applies(shape, kernel)) return choose_lines(shape, kernel, threads).tactic;
  const EstimatedTactic gathered = ImplicitGemm::choose_tactic(shape, kernel, threads);
  if (!can_read_lines(shape, kernel)) return gathered.tactic;
  const EstimatedTactic lines = choose_lines(shape, kernel, threads);
  return lines.ns < gathered.ns ? lines.tactic : gathered.tactic;
}

std::vector<ConvTactic> list_tactics(const ConvShape& shape, const GemmKernel& kernel,
                                     int threads) {
  TacticList list(shape, kernel, threads);
  std::vector<ConvTactic> starts = {choose_tactic(shape, kernel, threads)};
  starts.push_back(ImplicitGemm::choose_tactic(shape, kernel, threads).tactic);
  if (can_read_lines(shape, kernel)) {
    starts.push_back(choose_lines(shape, kernel, threads).tactic);
  }
  for (const ConvTactic& start : starts) list.add(start);
  for (const ConvTactic& start : starts) list.add_parts(start);
  for (const ConvTactic& start : starts) list.add_panels(start);
  for (const ConvTactic& start : starts) list.add_blocks(start);
  return list.take();
}

Status check_tactic(const ConvTactic& t, const ConvShape& shape, const GemmKernel& kernel,
                    int threads) {
  const auto refuse = [&](const std::string& why) {
    return invalid_argument("tactic \"{}\" of {}: {}", to_string(t), kernel.name, why);
  };
  if (!fits_kernel(t, kernel)) {
    return refuse(fmt::format("the kernel's tiles have at most {} rows and {} channels",
                              kernel.max_rows, kernel.max_panels * kPanelChannels));
  }
  if (t.rows == RowAccess::kLines && !can_read_lines(shape, kernel)) {
    return refuse("this convolution cannot read lines");
  }
  const std::int64_t most = most_block_rows(t, shape);
  if (t.block_rows < 1 || t.block_rows > most ||
      (t.rows == RowAccess::kGathered && t.block_rows % t.tile_rows != 0)) {
    return refuse(fmt::format("blocks have whole tiles and at most {} rows", most));
  }
  if (t.row_parts < 1 || t.column_parts < 1 || t.row_parts > threads ||
      t.column_parts > threads / t.row_parts || t.row_parts > row_units(t, shape) ||
      t.column_parts > column_blocks(t, shape, kernel)) {
    return refuse(fmt::format("{} threads, {} x {} units of work", threads, row_units(t, shape),
                              column_blocks(t, shape, kernel)));
  }
  return {};
}

}  // namespace xinfer::kernels
