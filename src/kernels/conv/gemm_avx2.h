// 256-bit tile loop: up to 6 rows x one panel of 16 channels in 12 accumulators. `Op` names the
// vector type and one step: accumulate(acc, a, b) with 4 bytes of a row in every lane of a and 8
// channels of a panel in b. Internal linkage: built per instruction set.
#pragma once

#include <immintrin.h>

#include "kernels/conv/gemm_kernel.h"

namespace xinfer::kernels {
namespace {

template <typename Op, int kRows>
void tile_256(const GemmTile& tile) {
  typename Op::Vector acc[kRows][2];
  const auto* start = static_cast<const std::byte*>(tile.start);
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r) {
    acc[r][0] = Op::load(start);
    acc[r][1] = Op::load(start + 32);
  }
  const std::byte* a = tile.a;
  const std::byte* b = tile.b;
  for (std::int64_t line = 0; line < tile.lines; ++line) {
    for (std::int64_t step = 0; step < tile.steps; ++step, a += 4, b += kStepBytes) {
      const auto b0 = Op::load(b);
      const auto b1 = Op::load(b + 32);
#pragma GCC unroll 6
      for (int r = 0; r < kRows; ++r) {
        const auto x = Op::broadcast(a + r * tile.a_row_bytes);
        acc[r][0] = Op::accumulate(acc[r][0], x, b0);
        acc[r][1] = Op::accumulate(acc[r][1], x, b1);
      }
    }
    a += tile.a_line_bytes - 4 * tile.steps;
  }
  auto* out = static_cast<std::byte*>(tile.acc);
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r) {
    Op::store(out + r * kStepBytes, acc[r][0]);
    Op::store(out + r * kStepBytes + 32, acc[r][1]);
  }
}

template <typename Op>
inline void run_tile_256(const GemmTile& tile, int rows) {
  constexpr void (*kTiles[6])(const GemmTile&) = {tile_256<Op, 1>, tile_256<Op, 2>,
                                                  tile_256<Op, 3>, tile_256<Op, 4>,
                                                  tile_256<Op, 5>, tile_256<Op, 6>};
  kTiles[rows - 1](tile);
}

}  // namespace
}  // namespace xinfer::kernels
