// Sizes and addresses of the inverted residual kernel (cuda_inverted_residual.cuh), and the copy of
// its input.
#pragma once

#include "conv/cuda_channel_rows.cuh"
#include "cuda/memory.cuh"
#include "layer.cuh"

namespace xi {

using namespace layer;

constexpr int kThreads = 32 * kWarps;
constexpr int kTaps = 9;
constexpr InnerEpilogue kExpandEpilogue = {kExpandElem, kExpandClips, kExpandLow, kExpandHigh};
constexpr InnerEpilogue kFilterEpilogue = {kFilterElem, kFilterClips, kFilterLow, kFilterHigh};

// The input tile, borders included.
constexpr int kInRows = (kTileRows - 1) * kStride + 3;
constexpr int kInCols = (kTileCols - 1) * kStride + 3;
constexpr int kOutColTiles = ceil_div(kTileCols, 8);
/// Columns that the filter reads: those of outputs that are not stored are behind the tile.
constexpr int kReadCols = (8 * kOutColTiles - 1) * kStride + 3;

// Columns that are expanded. Where tiles are as wide as the image, the border on the left is none.
constexpr bool kWholeWidth = kTilesX == 1;
constexpr int kFirstCol = kExpands && kWholeWidth ? kPadLeft : 0;
constexpr int kSpanCols = kWholeWidth ? min_of(kInW, kInCols - kFirstCol) : kInCols;
constexpr int kColTiles = ceil_div(kSpanCols, 8);

// x: the last batch of tiles may read rows behind the last.
constexpr int kRowsBehind = kExpands ? 3 : 0;
constexpr int kXCols = kExpands ? kColTiles * 8 : kReadCols;
constexpr int kXPitch = (kInGranules | 1) * 16;
constexpr int kXBytes = ((kInRows + kRowsBehind) * kXCols + 8) * kXPitch;
constexpr int kInPairs = kInGranules / 2;  // of 16 channels

// e: where columns lie in a row. Half a row is 64 bytes more than a multiple of 128, so that
// neighbouring columns hit different banks.
constexpr int kHalfCols = ceil_div(max_of(ceil_div(kReadCols, 2) - 4, 0), 8) * 8 + 4;
constexpr int kECols = kStride == 1 ? kReadCols : 2 * kHalfCols;
constexpr int kERowBytes = kExpands ? kECols * 16 : kXCols * kXPitch;
constexpr int kEBytes = kExpands ? kInRows * kERowBytes : 0;
constexpr int kEColTileBytes = 128 / kStride;
constexpr int kEColumnStep = kExpands ? 16 : kStride * kXPitch;  // between outputs

/// Position of an input column.
__device__ __forceinline__ int e_column(int column) {
  return kStride == 1 ? column : column % 2 * kHalfCols + column / 2;
}
/// Bytes from an output's first tap of a row to the others.
constexpr int kx_offset(int kx) {
  return !kExpands ? kx * kXPitch : kStride == 1 ? kx * 16 : (kx == 1 ? kHalfCols : kx / 2) * 16;
}

// d: the projection reads whole units of pixels.
constexpr int kTilePixels = kTileRows * kTileCols;
constexpr int kPixelUnits = ceil_div(kTilePixels, 8 * kUnitPixels);
constexpr int kFinishedTiles = min_of(kUnitPixels, 4);  // together: registers
constexpr int kDPitch = (kGroups | 1) * 16;
constexpr int kDPairs = ceil_div(kGroups, 2);
constexpr int kDBytes = kPixelUnits * kUnitPixels * 8 * kDPitch + 16;
static_assert(kXBytes + kDBytes + kWarps * kEBytes <= kSharedBytes,
              "conv_inverted_residual.cpp must reserve what the kernel uses");
static_assert(kUnitPixels % 2 == 0, "pixels come in pairs of tiles");

// Weights of 16 expanded channels.
constexpr int kFilterAt = kExpands ? kInGranules * 256 : 0;
constexpr int kTablesAt = kFilterAt + kTaps * 16;
constexpr int kGroupBytes = kTablesAt + 256;

constexpr bool kWholeRuns = kStoredChannels % 4 == 0;

/// A block's part of the output, and the rows of its input that lie in the image.
struct Tile {
  int image, out_row, out_column;
  int in_row, in_column;   ///< of the tile's first input pixel, in the image
  int first_row, end_row;  ///< of the input tile

  __device__ __forceinline__ explicit Tile(u32 index) {
    image = static_cast<int>(index / (kTilesY * kTilesX));
    out_row = static_cast<int>(index / kTilesX % kTilesY) * kTileRows;
    out_column = static_cast<int>(index % kTilesX) * kTileCols;
    in_row = out_row * kStride - kPadTop;
    in_column = out_column * kStride - kPadLeft;
    first_row = max(-in_row, 0);
    end_row = min(kInH - in_row, kInRows);
  }
  /// Whether the column of the input tile is one of it and lies in the image.
  __device__ __forceinline__ bool has_column(int column) const {
    return column < kInCols && static_cast<u32>(in_column + column) < static_cast<u32>(kInW);
  }
  /// Index of the tile's output pixel `index`; -1 if there is none.
  __device__ __forceinline__ s64 pixel(int index) const {
    const int row = out_row + index / kTileCols, column = out_column + index % kTileCols;
    if (index >= kTilePixels || row >= kOutH || column >= kOutW) return -1;
    return (static_cast<s64>(image) * kOutH + row) * kOutW + column;
  }
};

__device__ __forceinline__ void zero_granule(u32 to) {
  asm volatile("st.shared.v4.b32 [%0], {%1,%2,%3,%4};" ::"r"(to), "r"(0u), "r"(0u), "r"(0u), "r"(0u)
               : "memory");
}

/// Brings the input tile: zeros where it lies outside the image.
__device__ __forceinline__ void copy_input(const Tile& tile, const u8* x, u32 to) {
  const u8* image = x + static_cast<s64>(tile.image) * (kInH * kInW) * kInPitchBytes;
  for (int i = threadIdx.x; i < kInRows * kXCols * kInGranules; i += kThreads) {
    const int granule = i % kInGranules, position = i / kInGranules;
    const int row = tile.in_row + position / kXCols;
    const int column = tile.in_column + kFirstCol + position % kXCols;
    const bool valid = static_cast<u32>(row) < static_cast<u32>(kInH) &&
                       static_cast<u32>(column) < static_cast<u32>(kInW);
    const u8* from = image + (static_cast<s64>(row) * kInW + column) * kInPitchBytes + granule * 16;
    copy_async_16(to + position * kXPitch + granule * 16, valid ? from : x, valid);
  }
  commit_copies();
  wait_copies<0>();
}

}  // namespace xi
