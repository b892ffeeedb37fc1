// An inverted residual block in one launch (sm_80 and up): INT8, NHWC.
//
//   e = expand(x): 1x1, to kGroups * 16 channels     (absent where kExpands is false: e is x)
//   d = filter(e): depthwise 3x3, stride kStride
//   y = epilogue(project(d)): 1x1
//
// Each layer rounds as it does in a launch of its own: equal bytes. A block of threads makes
// kTileRows x kTileCols output pixels of an image and all their channels; what lies between x and y
// stays in shared memory. Every product is mma.sync with channels as rows and pixels as columns
// (cuda_channel_rows.cuh). A warp takes 16 expanded channels at a time: it expands the whole input
// tile, borders included, into memory of its own, then filters it; the depthwise layer is a product
// with two taps' weights side by side, each a diagonal matrix. Pixels outside the image are zeros
// of e. When all channels of d are there, the warps share the projection.
//
// Shared memory: x as [rows][columns][kXPitch], d as [pixels][kDPitch] (pitches are odd numbers of
// 16 bytes: no bank conflicts), and e of every warp as [rows][columns][16], for stride 2 with even
// and odd columns apart.
// Weights, for every 16 expanded channels: kGroupBytes: fragments of the expansion (16 bytes a lane
// for 32 input channels, 8 for a last 16), kTaps * 16 filter weights, four tables of 16 floats
// (multiplier and bias of the expansion, of the filter). Then fragments of the projection:
// [16 output channels][32 expanded channels].
#pragma once

#include "conv/cuda_inverted_residual_tile.cuh"
#include "cuda/epilogue.cuh"

namespace xi {

// --- expansion -----------------------------------------------------------------------------------

/// Input tiles of a batch: their products are independent of each other.
constexpr int kBatchRows = kColTiles == 1 ? 4 : kColTiles <= 3 ? 2 : 1;
constexpr int kRowParts = kColTiles > 7 ? ceil_div(kColTiles, 7) : 1;
constexpr int kBatchTiles = kBatchRows * ceil_div(kColTiles, kRowParts);
static_assert(!kExpands || kBatchRows - 1 <= kRowsBehind,
              "a batch may read rows behind the tile's last");

/// The sums of the batch whose first tile is `tile` (they follow each other in memory).
__device__ __forceinline__ void multiply_batch(s32 (&acc)[kBatchTiles][4],
                                               const u32 (&a)[max_of(kInPairs, 1)][4],
                                               const u32 (&last)[2], u32 x, int tile, int lane) {
  const u32 row = x + (tile * 8 + lane % 8) * kXPitch;
#pragma unroll
  for (int k = 0; k < kInPairs; ++k) {
#pragma unroll
    for (int i = 0; i < kBatchTiles; i += 2) {
      u32 b[4];
      load_matrix_x4(b, row + (8 * i + lane / 16 * 8) * kXPitch + k * 32 + lane / 8 % 2 * 16);
      mma_channels<kInElem>(acc[i], a[k], b[0], b[1]);
      if (i + 1 < kBatchTiles) mma_channels<kInElem>(acc[i + 1], a[k], b[2], b[3]);
    }
  }
  if constexpr (kInGranules % 2 != 0) {
#pragma unroll
    for (int i = 0; i < kBatchTiles; i += 2) {
      u32 b[2];
      load_matrix_x2(b, row + (8 * i + lane / 8 % 2 * 8) * kXPitch + kInPairs * 32);
      mma_channels<kInElem>(acc[i], last[0], last[1], b[0]);
      if (i + 1 < kBatchTiles) mma_channels<kInElem>(acc[i + 1], last[0], last[1], b[1]);
    }
  }
}

/// What a warp needs to expand 16 channels.
struct ExpandWeights {
  u32 pairs[max_of(kInPairs, 1)][4], last[2];
  LaneTable table;

  __device__ __forceinline__ explicit ExpandWeights(const u8* of_group)
      : table(of_group + kTablesAt, threadIdx.x % 32) {
    const int lane = threadIdx.x % 32;
#pragma unroll
    for (int k = 0; k < kInPairs; ++k) load_words<16, 16>(of_group + k * 512 + lane * 16, pairs[k]);
    if constexpr (kInGranules % 2 != 0) {
      load_words<8, 8>(of_group + kInPairs * 512 + lane * 8, last);
    }
  }
};

/// 16 channels of e over the input tile's pixels that lie in the image.
__device__ __forceinline__ void expand(const Tile& tile, const ExpandWeights& weights, u32 x,
                                       u32 e) {
  const int lane = threadIdx.x % 32;
  const int column = kFirstCol + lane / 4;
  const u32 to = e + e_column(column) * 16 + lane % 4 * 4;
#pragma unroll 1
  for (int row = tile.first_row; row < tile.end_row; row += kBatchRows) {
#pragma unroll
    for (int part = 0; part < kRowParts; ++part) {
      s32 acc[kBatchTiles][4] = {};
      multiply_batch(acc, weights.pairs, weights.last, x, row * kColTiles + part * kBatchTiles,
                     lane);
#pragma unroll
      for (int i = 0; i < kBatchTiles; ++i) {
        const int t = part * kBatchTiles + i;
        const int below = kRowParts == 1 ? t / kColTiles : 0;
        const int across = kRowParts == 1 ? t % kColTiles : t;
        if (across >= kColTiles) continue;
        const u32 word = finish_inner<kExpandEpilogue.elem, kExpandEpilogue.clips>(
            acc[i], weights.table, kExpandEpilogue.low, kExpandEpilogue.high);
        if (row + below < tile.end_row && tile.has_column(column + 8 * across)) {
          store_shared_word(to + (row + below) * kERowBytes + across * kEColTileBytes, word);
        }
      }
    }
  }
}

// --- depthwise -----------------------------------------------------------------------------------

/// What a warp needs to filter 16 channels, as it lies in memory.
struct FilterWeights {
  u32 words[kTaps];
  LaneTable table;

  __device__ __forceinline__ explicit FilterWeights(const u8* of_group)
      : table(of_group + kTablesAt + 128, threadIdx.x % 32) {
#pragma unroll
    for (int tap = 0; tap < kTaps; ++tap) {
      load_words<4, 4>(of_group + kFilterAt + tap * 16 + threadIdx.x % 4 * 4, words + tap);
    }
  }
};

/// Weights of 16 channels as diagonal matrices, one a tap. Only the lanes that hold the diagonal
/// have any.
struct Diagonals {
  u32 of_tap[kTaps][2];

  __device__ __forceinline__ explicit Diagonals(const FilterWeights& weights) {
    const int lane = threadIdx.x % 32;
    const bool holds = lane % 4 == lane / 8;
    const u32 even = holds ? 0xFFu << (lane / 4 % 2 * 16) : 0u, odd = even << 8;
#pragma unroll
    for (int tap = 0; tap < kTaps; ++tap) {
      of_tap[tap][0] = weights.words[tap] & even;
      of_tap[tap][1] = weights.words[tap] & odd;
    }
  }
  /// Adds two taps' products.
  template <int kFirst, int kSecond>
  __device__ __forceinline__ void add(s32 (&acc)[4], u32 first, u32 second) const {
    const u32 a[4] = {of_tap[kFirst][0], of_tap[kFirst][1], of_tap[kSecond][0], of_tap[kSecond][1]};
    mma_channels<kExpandEpilogue.elem>(acc, a, first, second);
  }
  template <int kTap>
  __device__ __forceinline__ void add(s32 (&acc)[4], u32 pixels) const {
    mma_channels<kExpandEpilogue.elem>(acc, of_tap[kTap][0], of_tap[kTap][1], pixels);
  }
};

/// What the outputs of kRows rows of a column of tiles read: every row's first two taps side by
/// side, and the third taps of two rows, as pairs that products take as they are.
template <int kRows>
struct Window {
  static constexpr int kReadRows = (kRows - 1) * kStride + 3;
  static constexpr int kPairs = ceil_div(kReadRows, 2), kFours = ceil_div(kReadRows, 4);
  u32 first_two[kPairs][4], third[kFours][4];

  __device__ __forceinline__ explicit Window(u32 e) {
    const int lane = threadIdx.x % 32, matrix = lane / 8;
    e += lane % 8 * kEColumnStep;
#pragma unroll
    for (int i = 0; i < kPairs; ++i) {
      constexpr bool kLastAlone = kReadRows % 2 != 0;
      const u32 row = e + 2 * i * kERowBytes + matrix % 2 * kx_offset(1);
      if (kLastAlone && i == kPairs - 1) {
        u32 two[2];
        load_matrix_x2(two, row);
        first_two[i][0] = two[0], first_two[i][1] = two[1];
      } else {
        load_matrix_x4(first_two[i], row + matrix / 2 * kERowBytes);
      }
    }
#pragma unroll
    for (int i = 0; i < kFours; ++i) {
      const int rest = min_of(kReadRows - 4 * i, 4);  // rows behind the last are not read
      const u32 row = e + (4 * i + min(matrix, rest - 1)) * kERowBytes + kx_offset(2);
      if (rest <= 2) {
        u32 two[2];
        load_matrix_x2(two, row);
        third[i][0] = two[0], third[i][1] = two[1];
      } else {
        load_matrix_x4(third[i], row);
      }
    }
  }

  /// The sums of output row `row`.
  __device__ __forceinline__ void multiply(s32 (&acc)[4], int row, const Diagonals& taps) const {
    const int from = row * kStride;
    taps.add<0, 1>(acc, two_of(from, 0), two_of(from, 1));
    taps.add<3, 4>(acc, two_of(from + 1, 0), two_of(from + 1, 1));
    taps.add<6, 7>(acc, two_of(from + 2, 0), two_of(from + 2, 1));
    if (from % 2 == 0) {
      taps.add<2, 5>(acc, third_of(from), third_of(from + 1));
      taps.add<8>(acc, third_of(from + 2));
    } else {
      taps.add<5, 8>(acc, third_of(from + 1), third_of(from + 2));
      taps.add<2>(acc, third_of(from));
    }
  }
  __device__ __forceinline__ u32 two_of(int row, int kx) const {
    return first_two[row / 2][row % 2 * 2 + kx];
  }
  __device__ __forceinline__ u32 third_of(int row) const { return third[row / 4][row % 4]; }
};

/// kRows rows of a column of tiles, from `e` on, to `d`.
template <int kRows>
__device__ __forceinline__ void filter_rows(const Diagonals& diagonals, const LaneTable& table,
                                            u32 e, u32 d, bool stores) {
  const Window<kRows> window(e);
  s32 acc[kRows][4] = {};
#pragma unroll
  for (int row = 0; row < kRows; ++row) window.multiply(acc[row], row, diagonals);
#pragma unroll
  for (int row = 0; row < kRows; ++row) {
    const u32 word = finish_inner<kFilterEpilogue.elem, kFilterEpilogue.clips>(
        acc[row], table, kFilterEpilogue.low, kFilterEpilogue.high);
    if (stores) store_shared_word(d + row * (kTileCols * kDPitch), word);
  }
}

/// Rows filtered together: few enough for registers, and dividing the tile's well.
constexpr int kFilterRows = kTileRows % 4 == 0 || kTileRows > 6 ? min_of(4, kTileRows)
                                                                : min_of(3, kTileRows);

/// 16 channels of d: all of the tile's pixels. `e` is what is filtered.
__device__ __forceinline__ void filter(const FilterWeights& weights, u32 e, u32 d) {
  const int lane = threadIdx.x % 32;
  const Diagonals diagonals(weights);
  d += lane / 4 * kDPitch + lane % 4 * 4;
#pragma unroll 1
  for (int column = 0; column < kTileCols; column += 8) {
    const bool stores = column + lane / 4 < kTileCols;
    const u32 from = e + column * kEColumnStep, to = d + column * kDPitch;
#pragma unroll 1
    for (int row = 0; row + kFilterRows <= kTileRows; row += kFilterRows) {
      filter_rows<kFilterRows>(diagonals, weights.table, from + row * (kStride * kERowBytes),
                               to + row * (kTileCols * kDPitch), stores);
    }
    constexpr int kRest = kTileRows % kFilterRows, kDone = kTileRows - kRest;
    if constexpr (kRest > 0) {
      filter_rows<kRest>(diagonals, weights.table, from + kDone * (kStride * kERowBytes),
                         to + kDone * (kTileCols * kDPitch), stores);
    }
  }
}

/// All of d, once x is there: this warp's share of its channels. Weights of the first 16 are
/// fetched before that, the others while the channels before them are filtered.
template <typename Ready>
__device__ __forceinline__ void make_filtered(const Tile& tile, const u8* weights, u32 x, u32 e,
                                              u32 d, const Ready& ready) {
  int group = threadIdx.x / 32;
  const auto of_group = [&](int index) { return weights + min(index, kGroups - 1) * kGroupBytes; };
  if constexpr (kExpands) {
    ExpandWeights expansion(of_group(group));
    ready();
#pragma unroll 1
    for (; group < kGroups; group += kWarps) {
      const FilterWeights filtering(of_group(group));
      expand(tile, expansion, x, e);
      __syncwarp();
      expansion = ExpandWeights(of_group(group + kWarps));
      filter(filtering, e, d + group * 16);
      __syncwarp();
    }
  } else {
    ready();
#pragma unroll 1
    for (; group < kGroups; group += kWarps) {
      filter(FilterWeights(of_group(group)), x + group * 16, d + group * 16);
    }
  }
}

// --- projection ----------------------------------------------------------------------------------

/// Sums of a tile of output channels times kUnitPixels tiles of pixels, over all of d. Weights come
/// from the L2 cache: those of the next kAhead products are under way.
__device__ __forceinline__ void project(s32 (&acc)[kUnitPixels][4], const u8* weights, u32 d,
                                        int lane) {
  constexpr int kAhead = min_of(kDPairs, 6);
  d += (lane / 16 * 8 + lane % 8) * kDPitch + lane / 8 % 2 * 16;
  weights += lane * 16;
  u32 a[kAhead][4];
#pragma unroll
  for (int k = 0; k < kAhead; ++k) load_words<16, 16>(weights + k * 512, a[k]);
#pragma unroll 1
  for (int first = 0; first < kDPairs; first += kAhead) {
#pragma unroll
    for (int i = 0; i < kAhead; ++i) {
      const int k = first + i;
      if (kDPairs % kAhead != 0 && k >= kDPairs) break;
#pragma unroll
      for (int j = 0; j < kUnitPixels; j += 2) {
        u32 b[4];
        load_matrix_x4(b, d + j * (8 * kDPitch) + k * 32);
        mma_channels<kFilterEpilogue.elem>(acc[j], a[i], b[0], b[1]);
        mma_channels<kFilterEpilogue.elem>(acc[j + 1], a[i], b[2], b[3]);
      }
      load_words<16, 16>(weights + min(k + kAhead, kDPairs - 1) * 512, a[i]);
    }
  }
}

/// y of the tile, from d: this warp's share.
__device__ __forceinline__ void make_outputs(const Tile& tile, const u8* weights,
                                             const float* multiplier, const float* bias, u32 d,
                                             void* y, const StepPointers& steps) {
  const int lane = threadIdx.x % 32;
#pragma unroll 1
  for (int unit = threadIdx.x / 32; unit < kOutTiles * kPixelUnits; unit += kWarps) {
    const int out = unit % kOutTiles, pixels = unit / kOutTiles * kUnitPixels * 8;
    s32 acc[kUnitPixels][4] = {};
    project(acc, weights + out * (kDPairs * 512), d + pixels * kDPitch, lane);
    const int channel = out * 16 + lane % 4 * 4;
    const GlobalTable table = {multiplier + channel, bias + channel};
#pragma unroll
    for (int first = 0; first < kUnitPixels; first += kFinishedTiles) {
      s64 pixel[kFinishedTiles];
#pragma unroll
      for (int j = 0; j < kFinishedTiles; ++j) {
        transpose_sums(acc[first + j]);
        pixel[j] = tile.pixel(pixels + (first + j) * 8 + lane / 4);
      }
      const auto value = [&](int j, int v) { return acc[first + j][v]; };
      finish_tile<kFinishedTiles, 4, kWholeRuns>(value, pixel, channel, 0, kStoredChannels,
                                                 kGroupOutChannels, table, y, steps);
    }
  }
}

}  // namespace xi

extern "C" __global__ void __launch_bounds__(xi::kThreads, layer::kMinBlocks)
    conv_inverted_residual(const xi::u8* __restrict__ x, const xi::u8* __restrict__ weights,
                           const float* __restrict__ multiplier, const float* __restrict__ bias,
                           void* __restrict__ y, const xi::StepPointers steps) {
  using namespace xi;
  extern __shared__ __align__(128) u8 shared[];
  const u32 x_tile = shared_address(shared), d_tile = x_tile + kXBytes;
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  const u32 e_tile = d_tile + kDBytes + warp * kEBytes;
  const Tile tile(blockIdx.x);
  let_successor_start();
  if constexpr (kExpands) {
    for (int i = lane; i < kEBytes / 16; i += 32) zero_granule(e_tile + i * 16);
  }
  make_filtered(tile, weights, x_tile, e_tile, d_tile, [&] {
    wait_for_predecessor();
    copy_input(tile, x, x_tile);
    __syncthreads();
  });
  __syncthreads();

  make_outputs(tile, weights + kGroups * kGroupBytes, multiplier, bias, d_tile, y, steps);
}
