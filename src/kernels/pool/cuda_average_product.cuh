// The average of all pixels, then its product with constant weights: the head of a classifier in
// one launch, for small batches (sm_90 and up).
//
//   mean[i, c] = the average over x[i, p, c], rounded as pool/cuda_pool.cuh rounds it
//   y[i, n] = epilogue(sum over c of mean[i, c] * w[n, c])
//
// A cluster computes kTileN outputs of eight images; its kSplit blocks share the channels. A block
// averages its own channels, multiplies them (mma.sync: weight rows are the rows of the product,
// images its columns) and sends the partial sums to the block that owns the outputs. Weights do not
// depend on the preceding kernel: each thread holds its own in registers before it waits.
//
// INT8 sums are exact. Float sums, of FP16: a thread adds every n-th pixel in rising order, then
// the threads' sums in rising order; products are summed by mma within 16 channels (those of words
// 2 k and 2 k + 1 of four granules), these in rising order of channels within a warp, then the
// warps' and the blocks' sums in rising order.
//
// Grid: tiles * kSplit blocks, the cluster's blocks adjacent, output tiles next, images last.
#pragma once

#include "cuda/cluster.cuh"
#include "cuda/epilogue.cuh"
#include "cuda/ptx_sm80.cuh"
#include "cuda/ptx_sm90.cuh"
#include "cuda/run.cuh"
#include "layer.cuh"

namespace xi {

using namespace layer;

constexpr int kThreads = 256;
constexpr int kImages = 8;  // of a tile: the columns of an mma

// Channels, in granules of 16 bytes.
constexpr int kGranuleChannels = 16 / size_of(kInElem);
constexpr int kBlockGranules = ceil_div(kGroupGranules, kSplit);  // the last blocks may have fewer
constexpr int kBlockChannels = kBlockGranules * kGranuleChannels;
constexpr int kTeams = kThreads / kBlockGranules;  // threads that share a granule's pixels
constexpr int kFours = kBlockChannels / 4;

// Products: warps are kTileN / 16 blocks of rows times kDepths parts of the block's channels.
constexpr int kRowBlocks = kTileN / 16;
constexpr int kDepths = kThreads / 32 / kRowBlocks;
constexpr int kQuads = ceil_div(ceil_div(kBlockGranules, 4), kDepths);  // 64-byte steps of a warp

// Outputs. Rows of the weights are permuted within blocks (conv_layout.h); a tile's outputs are
// counted in "slots", so that four of them are consecutive channels.
constexpr int kChunkCols = min_of(kPermutation, kTileN);
constexpr int kOwned = kTileN / kSplit;
constexpr int kOwnedFours = kOwned / 4;
constexpr int kSources = kSplit * kDepths;  // partial sums of an output
constexpr bool kWholeFours = kStoredChannels % 4 == 0;

// Shared memory: sums of pixels [row][channel], averages [image][channel], partial sums
// [source][image][slot]. Rows of averages are padded against bank conflicts.
constexpr int kSumRows = max_of(kTeams, kImages);
constexpr int kSumRowBytes = kBlockChannels * 4;
constexpr int kMeanRowBytes = ceil_div(kBlockGranules * 16, 128) * 128 + 64;
constexpr int kMeansOffset = kSumRows * kSumRowBytes;
constexpr int kExchangeOffset = kMeansOffset + kImages * kMeanRowBytes;
constexpr int kExchangeRowBytes = kOwned * 4;
constexpr int kSourceBytes = kImages * kExchangeRowBytes;
static_assert(kExchangeOffset + kSources * kSourceBytes <= kSharedBytes,
              "average_product.cpp must reserve what the kernel uses");
static_assert(kTeams >= 1 && kRowBlocks * kDepths * 32 == kThreads && kOwned % 4 == 0,
              "average_product.cpp must refuse other tiles");

using Sum = AccumulatorOf<kInElem>;

__device__ __forceinline__ void load_shared(u32 (&words)[4], u32 from) {
  asm volatile("ld.shared.v4.b32 {%0,%1,%2,%3}, [%4];"
               : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
               : "r"(from)
               : "memory");
}
__device__ __forceinline__ void store_shared(u32 to, const u32 (&words)[4]) {
  asm volatile("st.shared.v4.b32 [%0], {%1,%2,%3,%4};" ::"r"(to), "r"(words[0]), "r"(words[1]),
               "r"(words[2]), "r"(words[3])
               : "memory");
}
__device__ __forceinline__ void store_shared_word(u32 to, u32 word) {
  asm volatile("st.shared.b32 [%0], %1;" ::"r"(to), "r"(word) : "memory");
}
/// To the shared memory of a block of the cluster.
__device__ __forceinline__ void store_word_at(int rank, u32 local, u32 word) {
  if constexpr (kSplit == 1) {
    store_shared_word(local, word);
  } else {
    u32 remote;
    asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(remote) : "r"(local), "r"(rank));
    asm volatile("st.shared::cluster.b32 [%0], %1;" ::"r"(remote), "r"(word) : "memory");
  }
}

/// acc[16x8] += weights[16 x 32 bytes] * means[32 bytes x 8]: as mma, with the activations second.
template <Elem kElem>
__device__ __forceinline__ void multiply_add(AccumulatorOf<kElem> (&acc)[4], const u32 (&w)[4],
                                             u32 b0, u32 b1) {
  if constexpr (kElem == Elem::kU8) {
    asm volatile(
        "mma.sync.aligned.m16n8k32.row.col.s32.s8.u8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
        "{%0,%1,%2,%3};"
        : "+r"(acc[0]), "+r"(acc[1]), "+r"(acc[2]), "+r"(acc[3])
        : "r"(w[0]), "r"(w[1]), "r"(w[2]), "r"(w[3]), "r"(b0), "r"(b1));
  } else {
    mma<kElem>(acc, w, b0, b1);
  }
}

/// Which outputs, images and channels are this block's, and where its structures lie.
struct Block {
  u32 base;
  int rank, tile, first_image, images, granules;
  __device__ __forceinline__ Block(u32 base_in, int batch) : base(base_in) {
    rank = blockIdx.x % kSplit;
    tile = blockIdx.x / kSplit % kTilesN;
    first_image = static_cast<int>(blockIdx.x / (kSplit * kTilesN)) * kImages;
    images = min(kImages, batch - first_image);
    granules = max(0, min(kBlockGranules, kGroupGranules - rank * kBlockGranules));
  }
  __device__ __forceinline__ int first_granule() const { return rank * kBlockGranules; }
  __device__ __forceinline__ u32 sums(int row) const { return base + row * kSumRowBytes; }
  __device__ __forceinline__ u32 means(int image) const {
    return base + kMeansOffset + image * kMeanRowBytes;
  }
  __device__ __forceinline__ u32 exchange(int source, int image) const {
    return base + kExchangeOffset + source * kSourceBytes + image * kExchangeRowBytes;
  }
};

/// Adds element `i` of the words.
template <Elem kElem>
__device__ __forceinline__ void add_element(AccumulatorOf<kElem>& sum, const u32* words, int i) {
  const u32 selector = 1u << (8 * (i % 4));
  if constexpr (kElem == Elem::kU8) {
    asm("dp4a.u32.s32 %0, %1, %2, %0;" : "+r"(sum) : "r"(words[i / 4]), "r"(selector));
  } else if constexpr (kElem == Elem::kS8) {
    asm("dp4a.s32.s32 %0, %1, %2, %0;" : "+r"(sum) : "r"(words[i / 4]), "r"(selector));
  } else {
    sum = __fadd_rn(sum, element<kElem>(words, i));
  }
}

/// Which pixels a thread adds up: every `teams`-th of an image, of one granule.
struct Share {
  int granule, image, team, teams;
  __device__ __forceinline__ explicit Share(const Block& block) {
    granule = threadIdx.x % kBlockGranules;
    teams = max(1, kTeams / block.images);
    const int number = threadIdx.x / kBlockGranules;  // kTeams or above: a thread without work
    image = number / teams;
    team = number % teams;
    if (number >= kTeams || granule >= block.granules) image = kImages;
  }
};

/// Row `image * teams + team` of the sums becomes the sum of that team's pixels.
__device__ __forceinline__ void sum_pixels(const Block& block, const Share& share, const u8* x) {
  x += static_cast<s64>(block.first_granule() + share.granule) * 16;
  for (int image = share.image; image < block.images; image += kTeams) {
    const u8* from =
        x + (block.first_image + image) * (static_cast<s64>(kPixels) * kSourcePitchBytes);
    Sum sums[kGranuleChannels] = {};
    for (int first = share.team; first < kPixels; first += kLoads * share.teams) {
      u32 words[kLoads][4];
      // Loads without conditions, so that all are in flight at once.
#pragma unroll
      for (int i = 0; i < kLoads; ++i) {
        const int pixel = min(first + i * share.teams, kPixels - 1);
        load_words<16, 16>(from + pixel * kSourcePitchBytes, words[i]);
      }
#pragma unroll
      for (int i = 0; i < kLoads; ++i) {
        const bool real = first + i * share.teams < kPixels;
#pragma unroll
        for (int w = 0; w < 4; ++w) words[i][w] = real ? words[i][w] : 0;
#pragma unroll
        for (int c = 0; c < kGranuleChannels; ++c) add_element<kSourceElem>(sums[c], words[i], c);
      }
    }
    const u32 to =
        block.sums(image * share.teams + share.team) + share.granule * kGranuleChannels * 4;
#pragma unroll
    for (int i = 0; i < kGranuleChannels; i += 4) {
      store_shared(to + i * 4, {fragment_bits(sums[i]), fragment_bits(sums[i + 1]),
                                fragment_bits(sums[i + 2]), fragment_bits(sums[i + 3])});
    }
  }
}

/// Averages from the sums of the teams, four channels a thread.
__device__ __forceinline__ void average(const Block& block, int teams) {
  for (int item = threadIdx.x; item < block.images * kFours; item += kThreads) {
    const int image = item / kFours, channel = item % kFours * 4;
    if (channel >= block.granules * kGranuleChannels) continue;
    Sum total[4] = {};
#pragma unroll 8
    for (int team = 0; team < teams; ++team) {
      u32 words[4];
      load_shared(words, block.sums(image * teams + team) + channel * 4);
#pragma unroll
      for (int i = 0; i < 4; ++i) total[i] += fragment_of<Sum>(words[i]);
    }
    float mean[4];
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      if constexpr (is_int8(kInElem)) {
        mean[i] = __fmul_rn(static_cast<float>(total[i]), kMeanFactor);
      } else {
        mean[i] = __fdiv_rn(total[i], static_cast<float>(kPixels));
      }
      if constexpr (kGroupGranules * kGranuleChannels > kChannels) {
        if (block.first_granule() * kGranuleChannels + channel + i >= kChannels) mean[i] = 0.0f;
      }
    }
    const u32 to = block.means(image) + channel * size_of(kInElem);
    if constexpr (is_int8(kInElem)) {
      store_shared_word(
          to, pack_saturated<kInElem>(quantised<kInElem>(mean[0]), quantised<kInElem>(mean[1]),
                                      quantised<kInElem>(mean[2]), quantised<kInElem>(mean[3])));
    } else {
      store_shared_word(to, pack_halves(mean[0], mean[1]));
      store_shared_word(to + 4, pack_halves(mean[2], mean[3]));
    }
  }
}

/// A warp's part of the product: 16 rows, and every kDepths-th 64 bytes of the block's channels.
/// A lane holds the granules `lane % 4` of rows `lane / 4` and `lane / 4 + 8`: which channels stand
/// at which place of an mma's depth does not matter, if both operands agree.
struct Product {
  int row_block, depth, lane;
  u32 weights[kQuads][2][4];

  __device__ __forceinline__ Product() {
    const int warp = threadIdx.x / 32;
    row_block = warp % kRowBlocks;
    depth = warp / kRowBlocks;
    lane = threadIdx.x % 32;
  }
  __device__ __forceinline__ int granule(int quad) const {
    return (quad * kDepths + depth) * 4 + lane % 4;
  }
  __device__ __forceinline__ void load_weights(const Block& block, const u8* from) {
#pragma unroll
    for (int quad = 0; quad < kQuads; ++quad) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const int row = block.tile * kTileN + row_block * 16 + half * 8 + lane / 4;
        u32(&words)[4] = weights[quad][half];
        words[0] = words[1] = words[2] = words[3] = 0;
        if (row >= kGroupRows || granule(quad) >= block.granules) continue;
        load_words<16, 16>(from + (static_cast<s64>(row) * kGroupGranules + block.first_granule() +
                                   granule(quad)) *
                                      16,
                           words);
      }
    }
  }
  __device__ __forceinline__ void multiply(const Block& block, Sum (&acc)[4]) const {
    const int image = lane / 4;
#pragma unroll
    for (int quad = 0; quad < kQuads; ++quad) {
      u32 b[4] = {};
      if (image < block.images && granule(quad) < block.granules) {
        load_shared(b, block.means(image) + granule(quad) * 16);
      }
      const u32(&w)[2][4] = weights[quad];
      multiply_add<kInElem>(acc, {w[0][0], w[1][0], w[0][1], w[1][1]}, b[0], b[1]);
      multiply_add<kInElem>(acc, {w[0][2], w[1][2], w[0][3], w[1][3]}, b[2], b[3]);
    }
  }
  /// acc[2 h + e]: row lane / 4 + 8 h, image 2 (lane % 4) + e.
  __device__ __forceinline__ void send(const Block& block, const Sum (&acc)[4]) const {
    const int source = block.rank * kDepths + depth;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int row = row_block * 16 + half * 8, in_chunk = row % kChunkCols;
      const int slot = row - in_chunk + lane / 8 * (kChunkCols / 4) + in_chunk / 4 + lane / 4 % 2;
#pragma unroll
      for (int e = 0; e < 2; ++e) {
        const int image = lane % 4 * 2 + e;
        if (image >= block.images) continue;
        store_word_at(slot / kOwned, block.exchange(source, image) + slot % kOwned * 4,
                      fragment_bits(acc[half * 2 + e]));
      }
    }
  }
};

/// Four outputs of an image, which a thread finishes.
struct OwnedRun {
  int four, image, channel;
  bool exists;
  float4 m, b;
  Residuals<4> residuals;

  __device__ __forceinline__ float4 multiplier_of(int) const { return m; }
  __device__ __forceinline__ float4 bias_of(int) const { return b; }

  __device__ __forceinline__ explicit OwnedRun(const Block& block) {
    four = threadIdx.x % kOwnedFours;
    image = threadIdx.x / kOwnedFours;
    const int slot = block.rank * kOwned + four * 4, in_chunk = slot % kChunkCols;
    const int column = block.tile * kTileN + slot - in_chunk;
    channel = column / kPermutation * kPermutation +
              in_chunk / (kChunkCols / 4) * (kPermutation / 4) + column % kPermutation / 4 +
              in_chunk % (kChunkCols / 4);
    exists = image < block.images && channel < kStoredChannels;
  }
  __device__ __forceinline__ void load_table(const float* multipliers, const float* biases) {
    const int row = min(channel, kGroupRows - 4);
    const GlobalTable table = {multipliers + row, biases + row};
    m = {};
    if constexpr (kScaled) m = table.multiplier_of(0);
    b = table.bias_of(0);
  }
  __device__ __forceinline__ void load_residuals(const Block& block, const StepPointers& steps) {
    if (!exists) return;
    residuals.template load<kWholeFours>(steps, block.first_image + image, channel,
                                         kStoredChannels - channel);
  }
  __device__ __forceinline__ void finish(const Block& block, void* y,
                                         const StepPointers& steps) const {
    if (!exists) return;
    Sum sum[4] = {};
#pragma unroll
    for (int source = 0; source < kSources; ++source) {
      u32 words[4];
      load_shared(words, block.exchange(source, image) + four * 16);
#pragma unroll
      for (int v = 0; v < 4; ++v) sum[v] += fragment_of<Sum>(words[v]);
    }
    u32 words[1][kOutWords<4>];
    const auto value = [&](int, int v) { return sum[v]; };
    compute_outputs<1, 4>(value, kGroupOutChannels - channel, *this,
                          reinterpret_cast<const Residuals<4>(&)[1]>(residuals), steps, words);
    store_outputs<4, kWholeFours>(y, block.first_image + image, channel, kStoredChannels - channel,
                                  words[0]);
  }
};

}  // namespace xi

extern "C" __global__ void __launch_bounds__(xi::kThreads, 1)
    average_product(const void* x, const void* weights, const float* multiplier, const float* bias,
                    void* y, const xi::StepPointers steps, const int batch) {
  using namespace xi;
  extern __shared__ u8 raw[];
  let_successor_start();
  const Block block(shared_address(raw), batch);
  announce_start<kSplit>();
  Product product;
  product.load_weights(block, static_cast<const u8*>(weights));
  OwnedRun own(block);
  own.load_table(multiplier, bias);
  const Share share(block);
  wait_for_predecessor();
  sum_pixels(block, share, static_cast<const u8*>(x));
  own.load_residuals(block, steps);
  __syncthreads();
  average(block, share.teams);
  __syncthreads();
  Sum acc[4] = {};
  product.multiply(block, acc);
  wait_for_starts<kSplit>();
  product.send(block, acc);
  meet<kSplit>();
  own.finish(block, y, steps);
}
