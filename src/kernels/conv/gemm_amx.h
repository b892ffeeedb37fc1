// The AMX loop over a strip of rows: 16 x 16 tiles of accumulators in one of several shapes (row
// tiles x panels: 2x2, 1x4, 4x1 and their parts); a step of the depth loop is 64 bytes.
//
// Rows are loaded from where they lie, weights as packed: 16 steps of a panel are a tile. All row
// tiles of a strip have the same number of rows, so that tiles are configured once; the last one of
// a line overlaps its neighbour where the line is no multiple, and what was computed twice is
// stored once. While a group of tiles is multiplied, the rows of the one before are stored piece by
// piece: the matrix unit and the vector units work side by side.
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

/// Weights fill tiles of `depth` / 4 rows; every other tile has `rows` rows.
inline TileConfig tile_config(Registers registers, int rows, int depth) {
  const int first = registers == Registers::kOneRowTile    ? 5
                    : registers == Registers::kTwoRowTiles ? 6
                                                           : 4;
  const int last = registers == Registers::kFourRowTiles ? 4 : 7;
  const int accumulators = registers == Registers::kResident ? 3 : 4;
  TileConfig config;
  for (int tile = 0; tile < 8; ++tile) {
    const bool weights = tile >= first && tile <= last;
    const bool activations = !weights && tile >= accumulators;
    config.row_bytes[tile] = static_cast<std::uint16_t>(activations ? depth : kStepBytes);
    config.rows[tile] = static_cast<std::uint8_t>(weights ? depth / 4 : rows);
  }
  return config;
}

/// What the tiles of this thread are configured for.
struct ConfiguredTiles {
  Registers registers = Registers::kNone;
  int rows = 0;
  int depth = 0;

  bool operator==(const ConfiguredTiles&) const = default;
};
thread_local ConfiguredTiles configured_tiles;

template <typename Unit>
inline void configure(Registers registers, int rows, int depth) {
  const ConfiguredTiles wanted = {registers, rows, depth};
  if (configured_tiles == wanted) return;
  const TileConfig config = tile_config(registers, rows, depth);
  Unit::configure(config);
  configured_tiles = wanted;
}

/// The lines of a strip cut into row tiles of one height.
struct RowTiles {
  std::int64_t rows;      ///< of a line
  std::int64_t per_line;  ///< row tiles
  std::int64_t count;     ///< row tiles of all lines
  std::int64_t height;    ///< rows of a row tile

  /// `at_once`: row tiles computed together; a single line is cut into a multiple of them.
  RowTiles(const GemmStrip& strip, int at_once) : rows(strip.rows) {
    per_line = (rows + kTileRows - 1) / kTileRows;
    if (strip.lines == 1) per_line = (per_line + at_once - 1) / at_once * at_once;
    height = (rows + per_line - 1) / per_line;
    count = per_line * strip.lines;
  }
};

/// One row tile: where it begins, and which of its rows are not its neighbour's.
struct RowTile {
  std::int64_t line = 0;
  std::int64_t begin = 0;  ///< first row that is computed, of the line
  std::int64_t first = 0;  ///< first row that is stored
  std::int64_t end = 0;    ///< behind the last row that is stored

  RowTile() = default;
  /// Behind the last tile there are repetitions of it that store nothing.
  RowTile(const RowTiles& tiles, std::int64_t index) {
    // 32 bits divide twice as fast, and a strip fits a cache.
    const auto i = static_cast<std::uint32_t>(std::min(index, tiles.count - 1));
    const auto per_line = static_cast<std::uint32_t>(tiles.per_line);
    line = i / per_line;
    first = std::min(i % per_line * tiles.height, tiles.rows);
    begin = std::min(first, tiles.rows - tiles.height);
    end = index < tiles.count ? std::min(first + tiles.height, tiles.rows) : first;
  }
};

/// Rows of finished tiles, stored between the products of the next.
class PendingRows {
 public:
  PendingRows(const GemmStrip& strip, int panels)
      : strip_(strip), acc_stride_(panels * kPanelChannels) {}

  /// `count` row tiles whose accumulators follow one another in `acc`, `tile_rows` rows each.
  void set(const RowTile* tiles, int count, const std::int32_t* acc, std::int64_t tile_rows,
           std::int64_t steps) {
    const std::int64_t rows = count * tile_rows;
    piece_ = std::max((rows + steps - 1) / steps, kLeastPiece / acc_stride_);
    count_ = 0;
    for (int i = 0; i < count; ++i) {
      const RowTile& tile = tiles[i];
      if (tile.first >= tile.end) continue;
      spans_[count_++] = {tile.line * strip_.rows + tile.first, tile.end - tile.first,
                          acc + (i * tile_rows + tile.first - tile.begin) * acc_stride_};
    }
    at_ = 0;
  }
  void store_piece() {
    if (at_ == count_) return;
    Span& span = spans_[at_];
    const std::int64_t rows = std::min(piece_, span.rows);
    strip_.store(strip_.context, span.acc, acc_stride_, span.first, static_cast<int>(rows));
    span.first += rows;
    span.rows -= rows;
    span.acc += rows * acc_stride_;
    if (span.rows == 0) ++at_;
  }
  void store_all() {
    piece_ = kMaxTileAccumulators;
    while (at_ < count_) store_piece();
  }

 private:
  /// Accumulators worth a call, which loads the constants of its channels first.
  static constexpr std::int64_t kLeastPiece = 512;

  struct Span {
    std::int64_t first, rows;
    const std::int32_t* acc;
  };

  const GemmStrip& strip_;
  std::int64_t acc_stride_;
  Span spans_[4] = {};
  int count_ = 0, at_ = 0;
  std::int64_t piece_ = 1;
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

/// Accumulator tile `kTile` of row tiles that follow one another in acc, `height` rows each.
template <typename Unit, int kPanels, int kTile>
inline void store_tile(std::int32_t* acc, std::int64_t height) {
  auto* row = reinterpret_cast<std::byte*>(acc) + kTile / kPanels * height * kPanels * kStepBytes;
  Unit::template store<kTile>(row + kTile % kPanels * kStepBytes, kPanels * kStepBytes);
}

template <typename Unit, bool kSigned, int kRowTiles, int kPanels>
void run_groups(const GemmStrip& strip, Registers registers) {
  constexpr int kTiles = kRowTiles * kPanels;
  const RowTiles tiles(strip, kRowTiles);
  // One tap is padded with zero weights to whole steps; short taps follow one another closely.
  const std::int64_t tap_bytes = strip.steps * 4;
  const bool short_taps = strip.tap_count > 1 && tap_bytes < kTileDepth;
  const std::ptrdiff_t depth = short_taps ? tap_bytes : kTileDepth;
  configure<Unit>(registers, static_cast<int>(tiles.height), static_cast<int>(depth));
  const std::ptrdiff_t stride = strip.a_row_bytes;
  const std::ptrdiff_t b_step = depth * kPanelChannels;
  const std::int64_t depth_steps = (tap_bytes + depth - 1) / depth;
  const std::int64_t all_steps = depth_steps * strip.tap_count;
  PendingRows pending(strip, kPanels);
  int buffer = 0;
  for (std::int64_t at = 0; at < tiles.count; at += kRowTiles, buffer ^= 1) {
    const std::byte* base[4] = {};
    RowTile group[kRowTiles];
    for (int r = 0; r < kRowTiles; ++r) {
      group[r] = RowTile(tiles, at + r);
      base[r] = strip.a + group[r].line * strip.a_line_bytes + group[r].begin * stride;
    }
    const std::byte* b = strip.b;
    zero_accumulators<Unit, kTiles>();
    for (std::int64_t tap = 0; tap < strip.tap_count; ++tap) {
      const std::ptrdiff_t offset = strip.taps == nullptr ? 0 : strip.taps[tap];
      const std::byte* a[4] = {};
      for (int r = 0; r < kRowTiles; ++r) a[r] = base[r] + offset;
      for (std::int64_t i = 0; i < depth_steps; ++i, b += b_step) {
        multiply_step<Unit, kSigned, kRowTiles, kPanels>(a, stride, b, strip.b_panel_bytes);
        for (int r = 0; r < kRowTiles; ++r) a[r] += depth;
        pending.store_piece();
      }
    }
    std::int32_t* acc = strip.acc + buffer * kMaxTileAccumulators;
    store_tile<Unit, kPanels, 0>(acc, tiles.height);
    if constexpr (kTiles > 1) store_tile<Unit, kPanels, 1>(acc, tiles.height);
    if constexpr (kTiles > 2) store_tile<Unit, kPanels, 2>(acc, tiles.height);
    if constexpr (kTiles > 3) store_tile<Unit, kPanels, 3>(acc, tiles.height);
    pending.store_all();
    pending.set(group, kRowTiles, acc, tiles.height, all_steps);
  }
  pending.store_all();
}

/// One row tile and four panels of one depth step: weights are loaded once for the strip.
template <typename Unit, bool kSigned>
void run_resident(const GemmStrip& strip) {
  constexpr std::ptrdiff_t kAccRow = 4 * kStepBytes;
  const RowTiles tiles(strip, 1);
  configure<Unit>(Registers::kResident, static_cast<int>(tiles.height), kTileDepth);
  Unit::template load<4>(strip.b, kStepBytes);
  Unit::template load<5>(strip.b + strip.b_panel_bytes, kStepBytes);
  Unit::template load<6>(strip.b + 2 * strip.b_panel_bytes, kStepBytes);
  Unit::template load<7>(strip.b + 3 * strip.b_panel_bytes, kStepBytes);
  PendingRows pending(strip, 4);
  int buffer = 0;
  for (std::int64_t at = 0; at < tiles.count; ++at, buffer ^= 1) {
    const RowTile tile(tiles, at);
    std::int32_t* acc = strip.acc + buffer * kMaxTileAccumulators;
    auto* to = reinterpret_cast<std::byte*>(acc);
    zero_accumulators<Unit, 3>();
    Unit::template load<3>(
        strip.a + tile.line * strip.a_line_bytes + tile.begin * strip.a_row_bytes,
        strip.a_row_bytes);
    Unit::template multiply<kSigned, 0, 3, 4>();
    Unit::template multiply<kSigned, 1, 3, 5>();
    Unit::template multiply<kSigned, 2, 3, 6>();
    Unit::template store<0>(to, kAccRow);
    Unit::template zero<0>();
    Unit::template multiply<kSigned, 0, 3, 7>();
    pending.store_piece();
    Unit::template store<1>(to + kStepBytes, kAccRow);
    Unit::template store<2>(to + 2 * kStepBytes, kAccRow);
    Unit::template store<0>(to + 3 * kStepBytes, kAccRow);
    pending.store_all();
    pending.set(&tile, 1, acc, tiles.height, 2);
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
