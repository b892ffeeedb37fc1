// Tiles whose epilogue is applied to the accumulators in registers.
//
// A micro-kernel leaves accumulators in memory and a store fetches them: for short sums that is as
// long as a third of the products. A finished tile does both, for the epilogues that most layers
// have; equal bytes.
#pragma once

#include <array>

#include "kernels/conv/accumulator_store.h"
#include "kernels/conv/gemm_kernel.h"

namespace xinfer::kernels {

/// Computes `tile` and stores it as `result` says; neither uses its `acc`. `result` has all columns
/// of two panels.
using FinishedTile = void (*)(const GemmTile& tile, const StorePlan& plan,
                              const AccumulatorTile& result);

/// The finished tiles of one epilogue.
class FinishedTiles {
 public:
  static constexpr int kMaxRows = 14;
  static constexpr int kColumns = 2 * kPanelChannels;
  using ByRows = std::array<FinishedTile, kMaxRows + 1>;

  FinishedTiles() = default;
  explicit FinishedTiles(const ByRows& by_rows) : by_rows_(by_rows) {}

  /// Null where the micro-kernel and the store have to be called.
  FinishedTile find(int rows, int columns) const {
    return columns == kColumns && rows <= kMaxRows ? by_rows_[static_cast<std::size_t>(rows)]
                                                   : nullptr;
  }

 private:
  ByRows by_rows_ = {};
};

/// Those for this micro-kernel and plan on this processor; none of them if there are none.
FinishedTiles select_finished_tiles(const GemmKernel& kernel, const StorePlan& plan);

}  // namespace xinfer::kernels
