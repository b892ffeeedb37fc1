// A network's first layers in one launch on wgmma (sm_90a): the image's conversion to the type that
// the convolution multiplies, the convolution, and the max pooling behind it if there is one.
//
//   x'[b, y, x, (dy kBlock + dx) kChannels + c] = convert(image[b, c, y kBlock + dy, x kBlock +
//   dx]) y = max over the pooling window of epilogue(sum over taps of x' * w)
//
// The convolution has stride 1 over pixels of one or two granules of 16 bytes
// (kernels/cuda/space_to_depth.h). A block makes kStripRows rows by kStripColumns columns of an
// image's outputs, kStepRows rows at a time. What passes between the layers stays in shared memory,
// in two rings of rows: converted rows, and rows of the convolution's outputs, at most 64 of which
// lie in a row: one product. Every pixel of a converted row is one row of operand A, at whatever
// tap: its descriptor moves by whole pixels. Pixels of 16 bytes are not swizzled: 8 of them are a
// core matrix, and a K step of 32 bytes is two neighbouring taps. Several blocks on a
// multiprocessor hide each other's phases. Where the copy engine can read the image (rows of a
// multiple of 16 bytes), it brings rows into a third ring, a step or two ahead.
#pragma once

#include "cuda/epilogue.cuh"
#include "cuda/ptx_sm90.cuh"
#include "cuda/run.cuh"
#include "layer.cuh"

namespace xi {

using namespace layer;

constexpr int kWarpgroups = kThreads / 128;
constexpr int kPixelBytes = kGroupGranules * 16;
constexpr int kProductRows = 64;
constexpr int kOutColumns = (kStripColumns - 1) * kPoolStrideW + kPoolKernelW;
constexpr int kInColumns = kOutColumns + kKernelW - 1;
constexpr int kPitch = ceil_div(kProductRows + kKernelW - 1, 8) * 8;
constexpr int kRowBytes = kPitch * kPixelBytes;
constexpr int kOutPixelBytes = kTileN * size_of(kOutElem);
constexpr int kOutRowBytes = kOutColumns * kOutPixelBytes;
constexpr int kOutRows = (kStepRows - 1) * kPoolStrideH + kPoolKernelH;  // of the ring
constexpr int kInRows = kOutRows + kKernelH - 1;
constexpr int kRowStrips = ceil_div(kPoolOutH, kStripRows);
constexpr int kColumnStrips = ceil_div(kPoolOutW, kStripColumns);

constexpr int kDepthBytes = kKernelH * kKernelW * kPixelBytes;
constexpr int kSliceRowBytes = 128;  // of the weights
constexpr int kSlices = ceil_div(kDepthBytes, kSliceRowBytes);
constexpr int kSliceBytes = kTileN * kSliceRowBytes;

constexpr int kChunkCols = min_of(kPermutation, kTileN);
constexpr int kChunkChannels = kChunkCols / 4;

/// An image's rows that make one converted row: [kChannels, kBlock, kImageColumns] floats. A copy
/// begins at a multiple of 16 bytes, up to 3 elements before the first that is needed.
constexpr int kImageColumns = ceil_div(kInColumns * kBlock + 3, 4) * 4;
constexpr int kImageRowBytes = kChannels * kBlock * kImageColumns * 4;
constexpr int kSlotBytes = ceil_div(kImageRowBytes, 128) * 128;
constexpr int kSlots = kCopiesImage ? kInRows : 0;

constexpr int kImageOffset = kSlices * kSliceBytes;
constexpr int kInOffset = ceil_div(kImageOffset + kSlots * kSlotBytes, 256) * 256;
constexpr int kOutOffset = kInOffset + kInRows * kRowBytes;
constexpr int kBarrierOffset = ceil_div(kOutOffset + kOutRows * kOutRowBytes, 8) * 8;

static_assert(1024 + kBarrierOffset + 8 * (1 + kSlots) <= kSharedBytes,
              "conv_stem.cpp must reserve what the kernel uses");
static_assert(kPixelBytes == 32 || (kPixelBytes == 16 && kKernelW % 2 == 0),
              "a K step is one tap, or two of one kernel row");
static_assert(kOutColumns <= kProductRows, "a row of outputs is one product");
static_assert(kPoolKernelH >= kPoolStrideH, "rows between windows would be skipped");

using Fragment = AccumulatorOf<kInElem>;

/// Where a block's structures lie, and which outputs are its own.
struct Stem {
  u32 base;
  int image;
  int first_row, end_row, first_column, end_column;
  int left;           // the convolution's column at the start of its rows, perhaps outside
  int top, converts;  // the first converted row, and how many the block needs

  __device__ __forceinline__ explicit Stem(u32 base_in) : base(base_in) {
    const int strip = blockIdx.x % (kRowStrips * kColumnStrips);
    image = blockIdx.x / (kRowStrips * kColumnStrips);
    first_row = strip / kColumnStrips * kStripRows;
    end_row = min(first_row + kStripRows, kPoolOutH);
    first_column = strip % kColumnStrips * kStripColumns;
    end_column = min(first_column + kStripColumns, kPoolOutW);
    left = first_column * kPoolStrideW - kPoolPadLeft;
    top = max(0, first_row * kPoolStrideH - kPoolPadTop);
    converts = rows_needed(end_row) + kKernelH - 1 - top;
  }
  /// The convolution's rows before which lies all that output rows before `row_end` read.
  __device__ __forceinline__ static int rows_needed(int row_end) {
    return min(kOutH, (row_end - 1) * kPoolStrideH - kPoolPadTop + kPoolKernelH);
  }
  __device__ __forceinline__ u32 weights(int slice) const { return base + slice * kSliceBytes; }
  /// Converted row `row`, counted from the padding's first.
  __device__ __forceinline__ u32 in_row(int row) const {
    return base + kInOffset + row % kInRows * kRowBytes;
  }
  __device__ __forceinline__ u32 out_row(int row) const {
    return base + kOutOffset + row % kOutRows * kOutRowBytes;
  }
  __device__ __forceinline__ u32 weights_full() const { return base + kBarrierOffset; }
  /// Where the image of converted row top + index is put, and the barrier of its arrival.
  __device__ __forceinline__ u32 slot(int index) const {
    return base + kImageOffset + index % max_of(kSlots, 1) * kSlotBytes;
  }
  /// The image's column at the start of the rows, and of their copies.
  __device__ __forceinline__ int image_left() const { return (left - kPadLeft) * kBlock; }
  __device__ __forceinline__ int copied_left() const { return image_left() & ~3; }
  __device__ __forceinline__ u32 slot_full(int index) const {
    return weights_full() + 8 + index % max_of(kSlots, 1) * 8;
  }
};

template <int kWords>
__device__ __forceinline__ void store_shared(u32 to, const u32* words) {
  if constexpr (kWords >= 4) {
    asm volatile("st.shared.v4.b32 [%0], {%1,%2,%3,%4};" ::"r"(to), "r"(words[0]), "r"(words[1]),
                 "r"(words[2]), "r"(words[3])
                 : "memory");
    if constexpr (kWords > 4) store_shared<kWords - 4>(to + 16, words + 4);
  } else if constexpr (kWords == 2) {
    asm volatile("st.shared.v2.b32 [%0], {%1, %2};" ::"r"(to), "r"(words[0]), "r"(words[1])
                 : "memory");
  } else {
    asm volatile("st.shared.b32 [%0], %1;" ::"r"(to), "r"(words[0]) : "memory");
  }
}
__device__ __forceinline__ void load_shared(u32 from, u32* words) {
  asm volatile("ld.shared.v4.b32 {%0,%1,%2,%3}, [%4];"
               : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
               : "r"(from)
               : "memory");
}

// --- the image's conversion ----------------------------------------------------------------------

/// The image's values of one converted pixel; what lies outside the image is 0.
__device__ __forceinline__ void gather_elements(const float* image, int y, int x,
                                                float (&values)[kRun]) {
#pragma unroll
  for (int k = 0; k < kRun; ++k) {
    const int c = k % kChannels, part = k / kChannels;
    const int iy = y * kBlock + part / kBlock, ix = x * kBlock + part % kBlock;
    const bool inside =
        k < kChannels * kBlock * kBlock && iy >= 0 && iy < kImageH && ix >= 0 && ix < kImageW;
    values[k] = inside ? __ldg(image + (c * kImageH + iy) * kImageW + ix) : 0.0f;
  }
}

/// The same for blocks of 2 in rows of even length, two neighbours at a time.
__device__ __forceinline__ void gather_pairs(const float* image, int y, int x,
                                             float (&values)[kRun]) {
#pragma unroll
  for (int k = 0; k < kRun; ++k) values[k] = 0.0f;
  if (x < 0 || x >= kImageW / 2) return;
#pragma unroll
  for (int dy = 0; dy < 2; ++dy) {
    const int iy = 2 * y + dy;
    if (iy < 0 || iy >= kImageH) continue;
#pragma unroll
    for (int c = 0; c < kChannels; ++c) {
      u32 pair[2];
      load_words<8, 8>(image + (c * kImageH + iy) * kImageW + 2 * x, pair);
      values[2 * dy * kChannels + c] = __uint_as_float(pair[0]);
      values[(2 * dy + 1) * kChannels + c] = __uint_as_float(pair[1]);
    }
  }
}

/// The same from the rows that the copy engine brought, which start at `rows`.
__device__ __forceinline__ void gather_copied(u32 rows, int column, float (&values)[kRun]) {
#pragma unroll
  for (int k = 0; k < kRun; ++k) values[k] = 0.0f;
#pragma unroll
  for (int row = 0; row < kChannels * kBlock; ++row) {
    const int c = row / kBlock, dy = row % kBlock;
#pragma unroll
    for (int dx = 0; dx < kBlock; ++dx) {
      float* value = &values[(dy * kBlock + dx) * kChannels + c];
      const u32 at = rows + (row * kImageColumns + column * kBlock + dx) * 4;
      if constexpr (kBlock == 2) {
        if (dx == 0) {
          u32 pair[2];
          asm volatile("ld.shared.v2.b32 {%0, %1}, [%2];"
                       : "=r"(pair[0]), "=r"(pair[1])
                       : "r"(at)
                       : "memory");
          value[0] = __uint_as_float(pair[0]);
          value[kChannels] = __uint_as_float(pair[1]);
        }
      } else {
        u32 word;
        asm volatile("ld.shared.b32 %0, [%1];" : "=r"(word) : "r"(at) : "memory");
        *value = __uint_as_float(word);
      }
    }
  }
}

/// x / kFactor as exactly as its rounding to an integer needs (kernels/cuda/exact_quotient.h).
__device__ __forceinline__ float quotient(float x) {
  if constexpr (kHasReciprocal) {
    const float y = kReciprocalRest == 0.0f ? 0.0f : __fmul_rn(x, kReciprocalRest);
    return kReciprocalRest == 0.0f ? __fmul_rn(x, kReciprocal) : __fmaf_rn(x, kReciprocal, y);
  } else {
    return __fdiv_rn(x, kFactor);
  }
}

/// The values as the convolution's input stores them.
__device__ __forceinline__ void convert(const float (&values)[kRun], u32 (&words)[8]) {
  if constexpr (is_int8(kInElem)) {
    int q[kRun];
#pragma unroll
    for (int k = 0; k < kRun; ++k) {
      // Clamped on both sides although packing saturates: ptxas 13.0 turns the lower side alone
      // into F2IP.RELU, an instruction that an H200 does not have.
      const bool exists = k < kChannels * kBlock * kBlock;
      q[k] = exists ? quantised<kInElem>(quotient(values[k])) : 0;
    }
#pragma unroll
    for (int i = 0; i < kRun / 4; ++i) {
      words[i] = pack_saturated<kInElem>(q[4 * i], q[4 * i + 1], q[4 * i + 2], q[4 * i + 3]);
    }
  } else {
#pragma unroll
    for (int i = 0; i < kRun / 2; ++i) words[i] = pack_halves(values[2 * i], values[2 * i + 1]);
  }
}

/// Starts the copies for converted rows [from, to), counted from the block's first; one thread.
__device__ __forceinline__ void copy_image(const Stem& stem, const TensorMap* image_map, int from,
                                           int to) {
  if constexpr (kCopiesImage) {
    for (int index = from; index < min(to, stem.converts); ++index) {
      barrier_expect(stem.slot_full(index), kImageRowBytes);
      copy_box_4d(stem.slot(index), image_map, stem.slot_full(index), stem.copied_left(),
                  (stem.top + index - kPadTop) * kBlock, 0, stem.image);
    }
  }
}

__device__ __forceinline__ void store_converted(const Stem& stem, int row, int column,
                                                const float (&values)[kRun]) {
  u32 words[8];
  convert(values, words);
  const u32 at = stem.in_row(row) + column * kPixelBytes;
  if constexpr (kPixelBytes == 16) {
    store_shared<4>(at, words);
  } else {
    const u32 swizzled = at ^ (at >> 3 & 16);  // as wgmma reads rows of 32 bytes
    store_shared<4>(swizzled, words);
    store_shared<4>(swizzled ^ 16, words + 4);
  }
}

/// Converts rows [from, to) into their ring. Without copies, two pixels are read at a time.
__device__ __forceinline__ void convert_rows(const Stem& stem, const float* image, int from,
                                             int to) {
  constexpr int kTogether = kCopiesImage ? 1 : 2;
  const int count = (to - from) * kInColumns;
  if constexpr (kCopiesImage) {
    for (int index = from - stem.top; index < to - stem.top; ++index) {
      barrier_wait(stem.slot_full(index), index / kSlots & 1);
    }
  }
  for (int first = threadIdx.x; first < count; first += kTogether * kThreads) {
    float values[kTogether][kRun];
#pragma unroll
    for (int t = 0; t < kTogether; ++t) {
      const int i = first + t * kThreads, row = from + i / kInColumns, column = i % kInColumns;
      if constexpr (kCopiesImage) {
        const u32 first_column = (stem.image_left() - stem.copied_left()) * 4;
        gather_copied(stem.slot(row - stem.top) + first_column, column, values[t]);
      } else {
        const int y = i < count ? row - kPadTop : -kImageH - 1;  // outside
        const int x = stem.left + column - kPadLeft;
        if constexpr (kBlock == 2 && kImageW % 2 == 0) {
          gather_pairs(image, y, x, values[t]);
        } else {
          gather_elements(image, y, x, values[t]);
        }
      }
    }
#pragma unroll
    for (int t = 0; t < kTogether; ++t) {
      const int i = first + t * kThreads;
      if (i < count) store_converted(stem, from + i / kInColumns, i % kInColumns, values[t]);
    }
  }
}

// --- the convolution -----------------------------------------------------------------------------

/// Descriptor of operand A whose rows are pixels from `address` on.
__device__ __forceinline__ u64 pixel_descriptor(u32 address) {
  if constexpr (kPixelBytes == 16) {
    constexpr u64 kNextTap = 16 >> 4, kNextEightPixels = 128 >> 4;
    return static_cast<u64>((address & 0x3FFFF) >> 4) | (kNextTap << 16) | (kNextEightPixels << 32);
  } else {
    return wgmma_descriptor<32>(address);
  }
}

/// The products of an output row.
__device__ __forceinline__ void multiply(Fragment (&acc)[kTileN / 2], const Stem& stem, int row) {
  wgmma_fence();
#pragma unroll
  for (int ky = 0; ky < kKernelH; ++ky) {
    const u32 pixels = stem.in_row(row + ky);
#pragma unroll
    for (int in_row = 0; in_row < kKernelW * kPixelBytes; in_row += 32) {
      const int byte = ky * kKernelW * kPixelBytes + in_row;
      const u64 b = wgmma_descriptor<kSliceRowBytes>(stem.weights(byte / kSliceRowBytes)) +
                    byte % kSliceRowBytes / 16;
      wgmma(acc, pixel_descriptor(pixels + in_row), b, byte != 0);
    }
  }
  wgmma_commit();
  wgmma_wait<0>();
#pragma unroll
  for (int j = 0; j < kTileN / 2; ++j) keep_after_wait(acc[j]);
}

/// Puts the outputs of a row into their ring.
__device__ __forceinline__ void finish(const Fragment (&acc)[kTileN / 2], const Stem& stem, int row,
                                       const float* multiplier, const float* bias,
                                       const StepPointers& steps) {
  constexpr Residuals<kChunkChannels> kNone[2] = {};
  const int warp = threadIdx.x / 32 % 4, lane = threadIdx.x % 32;
#pragma unroll
  for (int chunk = 0; chunk < kTileN / kChunkCols; ++chunk) {
    const int at = chunk * kChunkCols;
    const int channel =
        at / kPermutation * kPermutation + kChunkChannels * (lane % 4) + at % kPermutation / 4;
    const auto value = [&](int half, int v) {
      return acc[(chunk * (kChunkCols / 8) + v / 2) * 4 + half * 2 + v % 2];
    };
    u32 words[2][kOutWords<kChunkChannels>];
    compute_outputs<2, kChunkChannels>(value, kGroupOutChannels - channel,
                                       GlobalTable{multiplier + channel, bias + channel}, kNone,
                                       steps, words);
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int position = warp * 16 + half * 8 + lane / 4;
      if (position >= kOutColumns) continue;
      const u32 to = stem.out_row(row) + position * kOutPixelBytes + channel * size_of(kOutElem);
      store_shared<kOutWords<kChunkChannels>>(to, words[half]);
    }
  }
}

// --- the pooling ---------------------------------------------------------------------------------

/// The larger of every 16-bit part, as the outputs' type orders it.
__device__ __forceinline__ u32 larger_parts(u32 a, u32 b) {
  u32 word;
  if constexpr (kOutElem == Elem::kU8) {
    asm("max.u16x2 %0, %1, %2;" : "=r"(word) : "r"(a), "r"(b));
  } else if constexpr (kOutElem == Elem::kS8) {
    asm("max.s16x2 %0, %1, %2;" : "=r"(word) : "r"(a), "r"(b));
  } else {
    asm("max.f16x2 %0, %1, %2;" : "=r"(word) : "r"(a), "r"(b));
  }
  return word;
}

/// The maximum of words, element by element. Bytes are compared as the upper halves of 16-bit
/// parts, whatever lies below them: those of odd index as they are, the others shifted up.
struct LargestWord {
  static constexpr u32 kLeast = kOutElem == Elem::kU8   ? 0u
                                : kOutElem == Elem::kS8 ? 0x80008000u
                                                        : 0xFC00FC00u;  // -infinity
  u32 odd = kLeast, even = kLeast;

  __device__ __forceinline__ void add(u32 word) {
    odd = larger_parts(odd, word);
    if constexpr (is_int8(kOutElem)) even = larger_parts(even, word << 8);
  }
  __device__ __forceinline__ u32 value() const {
    return is_int8(kOutElem) ? __byte_perm(even, odd, 0x7351) : odd;
  }
};

/// Writes output rows [from, to), 16 bytes of a pixel a thread.
__device__ __forceinline__ void pool_rows(const Stem& stem, int from, int to, void* y) {
  constexpr int kRuns = kStoredChannels * size_of(kOutElem) / 16;
  for (int i = threadIdx.x; i < (to - from) * kStripColumns * kRuns; i += kThreads) {
    const int run = i % kRuns, column = i / kRuns % kStripColumns;
    const int row = from + i / (kRuns * kStripColumns);
    if (stem.first_column + column >= stem.end_column) continue;
    LargestWord largest[4];
#pragma unroll
    for (int ky = 0; ky < kPoolKernelH; ++ky) {
      const int conv_row = row * kPoolStrideH - kPoolPadTop + ky;
      if (conv_row < 0 || conv_row >= kOutH) continue;
#pragma unroll
      for (int kx = 0; kx < kPoolKernelW; ++kx) {
        const int conv_column = column * kPoolStrideW + kx;
        if (stem.left + conv_column < 0 || stem.left + conv_column >= kOutW) continue;
        u32 tap[4];
        load_shared(stem.out_row(conv_row) + conv_column * kOutPixelBytes + run * 16, tap);
#pragma unroll
        for (int w = 0; w < 4; ++w) largest[w].add(tap[w]);
      }
    }
    u32 words[4];
#pragma unroll
    for (int w = 0; w < 4; ++w) words[w] = largest[w].value();
    const s64 pixel =
        (static_cast<s64>(stem.image) * kPoolOutH + row) * kPoolOutW + stem.first_column + column;
    u8* to_byte = static_cast<u8*>(y) + pixel * (kOutPitch * size_of(kOutElem)) + run * 16;
    store_words<16, kOutAlign>(to_byte, words);
  }
}

}  // namespace xi

extern "C" __global__ void __launch_bounds__(layer::kThreads, layer::kBlocksResident)
    conv_stem(const float* image, const __grid_constant__ xi::TensorMap image_map,
              const __grid_constant__ xi::TensorMap weight_map, const float* multiplier,
              const float* bias, void* y, const xi::StepPointers steps) {
  using namespace xi;
  let_successor_start();
  extern __shared__ u8 raw[];
  const Stem stem((shared_address(raw) + 1023) & ~1023u);
  if (threadIdx.x == 0) {
    if constexpr (kCopiesImage) prefetch_map(&image_map);
    for (int barrier = 0; barrier <= kSlots; ++barrier) {
      barrier_init(stem.weights_full() + 8 * barrier, 1);
    }
    barrier_init_fence();
    barrier_expect(stem.weights_full(), kSlices * kSliceBytes);
    for (int slice = 0; slice < kSlices; ++slice) {
      copy_box_2d(stem.weights(slice), &weight_map, stem.weights_full(),
                  slice * kSliceRowBytes / size_of(kInElem), 0);
    }
  }
  wait_for_predecessor();
  if (threadIdx.x == 0) copy_image(stem, &image_map, 0, kSlots);
  image += static_cast<s64>(stem.image) * kChannels * kImageH * kImageW;
  __syncthreads();
  // Convolution rows before `computed` and converted rows before `converted` are done or not
  // needed.
  int computed = stem.top, converted = stem.top;
  for (int row = stem.first_row; row < stem.end_row; row += kStepRows) {
    const int row_end = min(row + kStepRows, stem.end_row);
    const int need = Stem::rows_needed(row_end);
    convert_rows(stem, image, converted, need + kKernelH - 1);
    proxy_fence();
    __syncthreads();
    if (threadIdx.x == 0) {
      copy_image(stem, &image_map, converted - stem.top + kSlots,
                 need + kKernelH - 1 - stem.top + kSlots);
    }
    converted = need + kKernelH - 1;
    if (row == stem.first_row) barrier_wait(stem.weights_full(), 0);
    for (int r = computed + static_cast<int>(threadIdx.x) / 128; r < need; r += kWarpgroups) {
      Fragment acc[kTileN / 2];
      multiply(acc, stem, r);
      finish(acc, stem, r, multiplier, bias, steps);
    }
    computed = need;
    __syncthreads();
    pool_rows(stem, row, row_end, y);
  }
}
