// The AMX tile loop: up to 32 rows x 32 channels as 2 x 2 tiles of 16 x 16 accumulators (tiles
// 0-3), activations in tiles 4 and 5, weights in 6 and 7; a step of the loop is 64 bytes of depth.
// Rows are loaded from where they lie, weights as packed: 16 steps of a panel are a tile.
//
// `Unit` is the matrix unit: the instructions (gemm_amx.cpp), or a model of them in a test.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/conv/gemm_kernel.h"

namespace xinfer::kernels {
namespace {

/// The memory operand of ldtilecfg, palette 1.
struct alignas(64) TileConfig {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t row_bytes[16] = {};
  std::uint8_t rows[16] = {};
};

inline constexpr int kTileRows = 16;
inline constexpr std::ptrdiff_t kTileDepth = 64;  ///< bytes of depth
inline constexpr std::ptrdiff_t kWeightTileBytes = kTileDepth * kTileRows;

/// Tiles for `rows` rows; the second half of the rows may be empty (then its tiles stay unused).
inline TileConfig tile_config(int rows) {
  const int first = rows < kTileRows ? rows : kTileRows;
  const int second = rows > kTileRows ? rows - kTileRows : 1;
  TileConfig config;
  for (int tile = 0; tile < 8; ++tile) config.row_bytes[tile] = 64;
  config.rows[0] = config.rows[1] = config.rows[4] = static_cast<std::uint8_t>(first);
  config.rows[2] = config.rows[3] = config.rows[5] = static_cast<std::uint8_t>(second);
  config.rows[6] = config.rows[7] = kTileRows;
  return config;
}

template <typename Unit, bool kSigned, bool kTwoRowTiles, bool kTwoPanels>
inline void multiply_tiles(const GemmTile& tile) {
  const std::ptrdiff_t stride = tile.a_row_bytes;
  const std::ptrdiff_t second_rows = kTileRows * stride;
  const std::ptrdiff_t second_panel = tile.b_panel_bytes;
  const std::int64_t depth_steps = (tile.steps * 4 + kTileDepth - 1) / kTileDepth;
  const std::byte* b = tile.b;
  Unit::template zero<0>();
  if constexpr (kTwoPanels) Unit::template zero<1>();
  if constexpr (kTwoRowTiles) Unit::template zero<2>();
  if constexpr (kTwoRowTiles && kTwoPanels) Unit::template zero<3>();
  for (std::int64_t tap = 0; tap < tile.tap_count; ++tap) {
    const std::byte* a = tile.a + (tile.taps == nullptr ? 0 : tile.taps[tap]);
    for (std::int64_t i = 0; i < depth_steps; ++i, a += kTileDepth, b += kWeightTileBytes) {
      Unit::template load<4>(a, stride);
      Unit::template load<6>(b, kStepBytes);
      Unit::template multiply<kSigned, 0, 4, 6>();
      if constexpr (kTwoPanels) {
        Unit::template load<7>(b + second_panel, kStepBytes);
        Unit::template multiply<kSigned, 1, 4, 7>();
      }
      if constexpr (kTwoRowTiles) {
        Unit::template load<5>(a + second_rows, stride);
        Unit::template multiply<kSigned, 2, 5, 6>();
        if constexpr (kTwoPanels) Unit::template multiply<kSigned, 3, 5, 7>();
      }
    }
  }
  auto* acc = static_cast<std::byte*>(tile.acc);
  constexpr std::ptrdiff_t kAccRow = (kTwoPanels ? 2 : 1) * kStepBytes;
  Unit::template store<0>(acc, kAccRow);
  if constexpr (kTwoPanels) Unit::template store<1>(acc + kStepBytes, kAccRow);
  if constexpr (kTwoRowTiles) Unit::template store<2>(acc + kTileRows * kAccRow, kAccRow);
  if constexpr (kTwoRowTiles && kTwoPanels) {
    Unit::template store<3>(acc + kTileRows * kAccRow + kStepBytes, kAccRow);
  }
}

/// Rows that the tiles of this thread are configured for; 0: not configured.
thread_local int configured_rows = 0;

template <typename Unit, bool kSigned>
inline void run_amx(const GemmTile& tile, int rows, int panels) {
  if (configured_rows != rows) {
    const TileConfig config = tile_config(rows);
    Unit::configure(config);
    configured_rows = rows;
  }
  if (rows > kTileRows) {
    if (panels == 2) {
      multiply_tiles<Unit, kSigned, true, true>(tile);
    } else {
      multiply_tiles<Unit, kSigned, true, false>(tile);
    }
  } else if (panels == 2) {
    multiply_tiles<Unit, kSigned, false, true>(tile);
  } else {
    multiply_tiles<Unit, kSigned, false, false>(tile);
  }
}

}  // namespace
}  // namespace xinfer::kernels
