// The free choices in running one convolution: they decide its speed, never its results.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "kernels/conv/conv.h"
#include "kernels/conv/gemm_kernel.h"

namespace xinfer::kernels {

/// Where a micro-kernel finds its rows.
enum class RowAccess : std::uint8_t {
  kGathered,  ///< where they lie in memory if they do, else gathered tap by tap (im2col)
  kLines,     ///< in a bordered copy of input lines, which every tap reads at an offset
};

struct ConvTactic {
  RowAccess rows = RowAccess::kGathered;
  int tile_rows = 1;    ///< of accumulators at a time
  int tile_panels = 1;  ///< of kPanelChannels channels
  /// Rows (kGathered) or output lines (kLines) that all columns pass over before the next ones.
  std::int64_t block_rows = 1;
  int row_parts = 1;  ///< parts for threads = row_parts x column_parts
  int column_parts = 1;

  bool operator==(const ConvTactic&) const = default;
};

struct EstimatedTactic {
  ConvTactic tactic;
  double ns = 0;  ///< by the cost model
};

/// "gathered 14x32 block 56 parts 2x1".
std::string to_string(const ConvTactic& tactic);
Result<ConvTactic> parse_tactic(std::string_view text);

/// What the cost model expects to be fastest. The problem is valid.
ConvTactic choose_tactic(const ConvShape& shape, const GemmKernel& kernel, int threads);

/// Tactics worth timing: choose_tactic's first.
std::vector<ConvTactic> list_tactics(const ConvShape& shape, const GemmKernel& kernel, int threads);

/// Fails with invalid_argument unless the kernel can run the problem so.
Status check_tactic(const ConvTactic& tactic, const ConvShape& shape, const GemmKernel& kernel,
                    int threads);

}  // namespace xinfer::kernels
