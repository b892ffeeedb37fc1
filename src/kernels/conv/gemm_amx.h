// The AMX loop over a strip of rows: 16 x 16 tiles of accumulators in one of several shapes (row
// tiles x panels: 2x2, 1x4, 4x1 and their parts); a step of the depth loop is 64 bytes.
//
// Rows are loaded from where they lie, weights as packed: 16 steps of a panel are a tile. All row
// tiles of a strip have the same number of rows, so that tiles are configured once; the last ones
// overlap where the strip is no multiple, and what was computed twice is stored once. While a
// group of tiles is multiplied, the rows of the one before are stored piece by piece: the matrix
// unit and the vector units work side by side.
//
// Which tile registers hold what, by shape: accumulators are 0 to 3;
//   one row tile       rows in 4, weights rotate through 5-7
//   two                rows in 4, 5, weights in 6, 7
//   four               weights in 4, rows rotate through 5-7
//   resident           depth of one step, four panels: weights stay in 4-7, rows in 3,
//                      accumulators rotate through 0-2
//
// `Unit` is the matrix unit: the instructions (gemm_amx.cpp), or a model of them in a test.
#pragma once

#include <algorithm>
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

/// How tile registers are used, as listed above; the first register of weights and their number.
enum class Registers : std::uint8_t { kNone, kOneRowTile, kTwoRowTiles, kFourRowTiles, kResident };

/// Weights fill tiles; every other tile has `rows` rows.
inline TileConfig tile_config(Registers registers, int rows) {
  const int first = registers == Registers::kOneRowTile    ? 5
                    : registers == Registers::kTwoRowTiles ? 6
                                                           : 4;
  const int last = registers == Registers::kFourRowTiles ? 4 : 7;
  TileConfig config;
  for (int tile = 0; tile < 8; ++tile) {
    const bool weights = tile >= first && tile <= last;
    config.row_bytes[tile] = 64;
    config.rows[tile] = static_cast<std::uint8_t>(weights ? kTileRows : rows);
  }
  return config;
}

/// What the tiles of this thread are configured for.
struct ConfiguredTiles {
  Registers registers = Registers::kNone;
  int rows = 0;
};
thread_local ConfiguredTiles configured_tiles;

template <typename Unit>
inline void configure(Registers registers, int rows) {
  if (configured_tiles.registers == registers && configured_tiles.rows == rows) return;
  const TileConfig config = tile_config(registers, rows);
  Unit::configure(config);
  configured_tiles = {registers, rows};
}

/// The rows of a strip cut into groups of row tiles.
struct RowGroups {
  std::int64_t rows;        ///< of the strip
  std::int64_t count;       ///< of groups
  std::int64_t group_rows;  ///< of a whole group
  int tile_rows;            ///< of every row tile

  RowGroups(std::int64_t all_rows, int row_tiles) : rows(all_rows) {
    const std::int64_t most = std::int64_t{kTileRows} * row_tiles;
    count = (rows + most - 1) / most;
    tile_rows = static_cast<int>((rows + count * row_tiles - 1) / (count * row_tiles));
    group_rows = std::int64_t{tile_rows} * row_tiles;
  }
  /// First row that row tile `tile` of group `group` computes.
  std::int64_t begin(std::int64_t group, int tile) const {
    return std::min(group * group_rows + tile * tile_rows, rows - tile_rows);
  }
};

/// Rows of finished tiles, stored between the products of the next.
class PendingRows {
 public:
  PendingRows(const GemmStrip& strip, int panels)
      : strip_(strip), acc_stride_(panels * kPanelChannels) {}

  /// The rows that group `group` adds to those before it; `acc` begins with row begin(group, 0).
  void set(const RowGroups& groups, std::int64_t group, const std::int32_t* acc,
           std::int64_t steps) {
    next_ = group * groups.group_rows;
    end_ = std::min(groups.rows, next_ + groups.group_rows);
    acc_ = acc - groups.begin(group, 0) * acc_stride_;
    piece_ = static_cast<int>(
        std::max<std::int64_t>((end_ - next_ + steps - 1) / steps, kLeastPiece / acc_stride_));
  }
  void store_piece() {
    if (next_ >= end_) return;
    const int rows = static_cast<int>(std::min<std::int64_t>(piece_, end_ - next_));
    strip_.store(strip_.context, acc_ + next_ * acc_stride_, acc_stride_, next_, rows);
    next_ += rows;
  }
  void store_all() {
    piece_ = kMaxTileAccumulators;
    store_piece();
  }

 private:
  /// Accumulators worth a call, which loads the constants of its channels first.
  static constexpr std::int64_t kLeastPiece = 512;

  const GemmStrip& strip_;
  std::int64_t acc_stride_;
  std::int64_t next_ = 0, end_ = 0;  ///< rows of the strip
  const std::int32_t* acc_ = nullptr;
  int piece_ = 1;
};

/// One step: row tile r at a[r] times panel p into accumulator tile r * kPanels + p.
template <typename Unit, bool kSigned, int kRowTiles, int kPanels>
inline void multiply_step(const std::byte* const (&a)[4], std::ptrdiff_t stride, const std::byte* b,
                          std::ptrdiff_t panel) {
  if constexpr (kRowTiles == 1) {
    Unit::template load<4>(a[0], stride);
    Unit::template load<5>(b, kStepBytes);
    Unit::template multiply<kSigned, 0, 4, 5>();
    if constexpr (kPanels > 1) {
      Unit::template load<6>(b + panel, kStepBytes);
      Unit::template multiply<kSigned, 1, 4, 6>();
    }
    if constexpr (kPanels > 2) {
      Unit::template load<7>(b + 2 * panel, kStepBytes);
      Unit::template multiply<kSigned, 2, 4, 7>();
    }
    if constexpr (kPanels > 3) {
      Unit::template load<5>(b + 3 * panel, kStepBytes);
      Unit::template multiply<kSigned, 3, 4, 5>();
    }
  } else if constexpr (kRowTiles == 2) {
    Unit::template load<4>(a[0], stride);
    Unit::template load<6>(b, kStepBytes);
    Unit::template multiply<kSigned, 0, 4, 6>();
    if constexpr (kPanels == 2) {
      Unit::template load<7>(b + panel, kStepBytes);
      Unit::template multiply<kSigned, 1, 4, 7>();
    }
    Unit::template load<5>(a[1], stride);
    Unit::template multiply<kSigned, kPanels, 5, 6>();
    if constexpr (kPanels == 2) Unit::template multiply<kSigned, 3, 5, 7>();
  } else {
    static_assert(kRowTiles == 4 && kPanels == 1, "four row tiles leave one tile for weights");
    Unit::template load<4>(b, kStepBytes);
    Unit::template load<5>(a[0], stride);
    Unit::template multiply<kSigned, 0, 5, 4>();
    Unit::template load<6>(a[1], stride);
    Unit::template multiply<kSigned, 1, 6, 4>();
    Unit::template load<7>(a[2], stride);
    Unit::template multiply<kSigned, 2, 7, 4>();
    Unit::template load<5>(a[3], stride);
    Unit::template multiply<kSigned, 3, 5, 4>();
  }
}

template <typename Unit, int kTiles>
inline void zero_accumulators() {
  Unit::template zero<0>();
  if constexpr (kTiles > 1) Unit::template zero<1>();
  if constexpr (kTiles > 2) Unit::template zero<2>();
  if constexpr (kTiles > 3) Unit::template zero<3>();
}

/// Accumulator tile `kTile`: row tile kTile / kPanels, whose first row of acc is given.
template <typename Unit, int kPanels, int kTile>
inline void store_tile(std::int32_t* acc, const std::int64_t (&first)[4]) {
  auto* row = reinterpret_cast<std::byte*>(acc) + first[kTile / kPanels] * kPanels * kStepBytes;
  Unit::template store<kTile>(row + kTile % kPanels * kStepBytes, kPanels * kStepBytes);
}

template <typename Unit, bool kSigned, int kRowTiles, int kPanels>
void run_groups(const GemmStrip& strip, Registers registers) {
  constexpr int kTiles = kRowTiles * kPanels;
  const RowGroups groups(strip.rows, kRowTiles);
  configure<Unit>(registers, groups.tile_rows);
  const std::ptrdiff_t stride = strip.a_row_bytes;
  const std::int64_t depth_steps = (strip.steps * 4 + kTileDepth - 1) / kTileDepth;
  const std::int64_t all_steps = depth_steps * strip.tap_count;
  PendingRows pending(strip, kPanels);
  for (std::int64_t group = 0; group < groups.count; ++group) {
    const std::byte* base[4] = {};
    std::int64_t first[4] = {};
    for (int r = 0; r < kRowTiles; ++r) {
      first[r] = groups.begin(group, r) - groups.begin(group, 0);
      base[r] = strip.a + groups.begin(group, r) * stride;
    }
    const std::byte* b = strip.b;
    zero_accumulators<Unit, kTiles>();
    for (std::int64_t tap = 0; tap < strip.tap_count; ++tap) {
      const std::ptrdiff_t offset = strip.taps == nullptr ? 0 : strip.taps[tap];
      const std::byte* a[4] = {};
      for (int r = 0; r < kRowTiles; ++r) a[r] = base[r] + offset;
      for (std::int64_t i = 0; i < depth_steps; ++i, b += kWeightTileBytes) {
        multiply_step<Unit, kSigned, kRowTiles, kPanels>(a, stride, b, strip.b_panel_bytes);
        for (int r = 0; r < kRowTiles; ++r) a[r] += kTileDepth;
        pending.store_piece();
      }
    }
    std::int32_t* acc = strip.acc + group % 2 * kMaxTileAccumulators;
    store_tile<Unit, kPanels, 0>(acc, first);
    if constexpr (kTiles > 1) store_tile<Unit, kPanels, 1>(acc, first);
    if constexpr (kTiles > 2) store_tile<Unit, kPanels, 2>(acc, first);
    if constexpr (kTiles > 3) store_tile<Unit, kPanels, 3>(acc, first);
    pending.store_all();
    pending.set(groups, group, acc, all_steps);
  }
  pending.store_all();
}

/// One row tile and four panels of one depth step: weights are loaded once for the strip.
template <typename Unit, bool kSigned>
void run_resident(const GemmStrip& strip) {
  constexpr std::ptrdiff_t kAccRow = 4 * kStepBytes;
  const RowGroups groups(strip.rows, 1);
  configure<Unit>(Registers::kResident, groups.tile_rows);
  Unit::template load<4>(strip.b, kStepBytes);
  Unit::template load<5>(strip.b + strip.b_panel_bytes, kStepBytes);
  Unit::template load<6>(strip.b + 2 * strip.b_panel_bytes, kStepBytes);
  Unit::template load<7>(strip.b + 3 * strip.b_panel_bytes, kStepBytes);
  PendingRows pending(strip, 4);
  for (std::int64_t group = 0; group < groups.count; ++group) {
    std::int32_t* acc = strip.acc + group % 2 * kMaxTileAccumulators;
    auto* to = reinterpret_cast<std::byte*>(acc);
    zero_accumulators<Unit, 3>();
    Unit::template load<3>(strip.a + groups.begin(group, 0) * strip.a_row_bytes, strip.a_row_bytes);
    Unit::template multiply<kSigned, 0, 3, 4>();
    Unit::template multiply<kSigned, 1, 3, 5>();
    Unit::template multiply<kSigned, 2, 3, 6>();
    Unit::template store<0>(to, kAccRow);
    Unit::template zero<0>();
    Unit::template multiply<kSigned, 0, 3, 7>();
    pending.store_piece();
    Unit::template store<1>(to + kStepBytes, kAccRow);
    pending.store_piece();
    Unit::template store<2>(to + 2 * kStepBytes, kAccRow);
    pending.store_piece();
    Unit::template store<0>(to + 3 * kStepBytes, kAccRow);
    pending.store_all();
    pending.set(groups, group, acc, 4);
  }
  pending.store_all();
}

template <typename Unit, bool kSigned>
void run_amx(const GemmStrip& strip) {
  const bool one_step = strip.tap_count == 1 && strip.steps * 4 <= kTileDepth;
  switch (strip.tiles.row_tiles) {
    case 1:
      if (strip.panels == 1) return run_groups<Unit, kSigned, 1, 1>(strip, Registers::kOneRowTile);
      if (strip.panels == 2) return run_groups<Unit, kSigned, 1, 2>(strip, Registers::kOneRowTile);
      if (strip.panels == 3) return run_groups<Unit, kSigned, 1, 3>(strip, Registers::kOneRowTile);
      if (one_step) return run_resident<Unit, kSigned>(strip);
      return run_groups<Unit, kSigned, 1, 4>(strip, Registers::kOneRowTile);
    case 2:
      if (strip.panels == 1) return run_groups<Unit, kSigned, 2, 1>(strip, Registers::kTwoRowTiles);
      return run_groups<Unit, kSigned, 2, 2>(strip, Registers::kTwoRowTiles);
    default:
      return run_groups<Unit, kSigned, 4, 1>(strip, Registers::kFourRowTiles);
  }
}

}  // namespace
}  // namespace xinfer::kernels
