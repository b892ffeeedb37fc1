// The layout of the stem kernel's shared memory, and its first part: the image's conversion.
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
constexpr int kElementBytes = kByteImage ? 1 : 4;  // of the image
constexpr int kOutColumns = (kStripColumns - 1) * kPoolStrideW + kPoolKernelW;
constexpr int kInColumns = kOutColumns + kKernelW - 1;
constexpr int kPitch = ceil_div(kProductRows + kKernelW - 1, 8) * 8;
constexpr int kRowBytes = kPitch * kPixelBytes;
constexpr int kOutPixelBytes = kTileN * size_of(kOutElem);
/// Rows of outputs hold their even columns, then the odd ones, if windows step by two: neighbouring
/// windows then read neighbouring pixels.
constexpr int kParities = kPoolStrideW == 2 ? 2 : 1;
constexpr int kParityColumns = ceil_div(kOutColumns, kParities);
constexpr int kOutRowBytes = kParities * kParityColumns * kOutPixelBytes;
constexpr int kOutRows = (kStepRows - 1) * kPoolStrideH + kPoolKernelH;  // of the ring
constexpr int kInRows = kOutRows + kKernelH - 1;
constexpr int kRowStrips = ceil_div(kPoolOutH, kStripRows);
constexpr int kColumnStrips = ceil_div(kPoolOutW, kStripColumns);

constexpr int kDepthBytes = kKernelH * kKernelW * kPixelBytes;
constexpr int kSliceRowBytes = 128;  // of the weights
constexpr int kSlices = ceil_div(kDepthBytes, kSliceRowBytes);
constexpr int kSliceBytes = kTileN * kSliceRowBytes;

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
  /// Output `column` of a row, counted from the block's first.
  __device__ __forceinline__ static int out_pixel(int column) {
    return (column % kParities * kParityColumns + column / kParities) * kOutPixelBytes;
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

/// The same of a u8 image, through its tables. The channels of pixels side by side are one run of
/// bytes, read by twos where they start at even addresses.
__device__ __forceinline__ void gather_bytes(const u8* image, const void* tables, int y, int x,
                                             float (&values)[kRun]) {
  constexpr bool kPairs = kBlock * kChannels % 2 == 0 && kImageW % kBlock == 0;
#pragma unroll
  for (int k = 0; k < kRun; ++k) values[k] = 0.0f;
#pragma unroll
  for (int dy = 0; dy < kBlock; ++dy) {
    const int iy = y * kBlock + dy;
    if (iy < 0 || iy >= kImageH || x < 0 || x * kBlock >= kImageW) continue;
    const u8* bytes = image + (iy * kImageW + x * kBlock) * kChannels;
    int byte[kBlock * kChannels];
    if constexpr (kPairs) {
#pragma unroll
      for (int i = 0; i < kBlock * kChannels; i += 2) {
        const u16 pair = __ldg(reinterpret_cast<const u16*>(bytes + i));
        byte[i] = pair & 255;
        byte[i + 1] = pair >> 8;
      }
    } else {
#pragma unroll
      for (int i = 0; i < kBlock * kChannels; ++i) {
        byte[i] = x * kBlock + i / kChannels < kImageW ? __ldg(bytes + i) : 0;
      }
    }
#pragma unroll
    for (int i = 0; i < kBlock * kChannels; ++i) {
      if (!kPairs && x * kBlock + i / kChannels >= kImageW) continue;
      values[dy * kBlock * kChannels + i] =
          load_element<kTableElem>(tables, i % kChannels * 256 + byte[i]);
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
      if constexpr (kByteImage) {
        q[k] = static_cast<int>(values[k]);
      } else {
        q[k] = exists ? quantised<kInElem>(quotient(values[k])) : 0;
      }
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
__device__ __forceinline__ void convert_rows(const Stem& stem, const void* image,
                                             const void* tables, int from, int to) {
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
        if constexpr (kByteImage) {
          gather_bytes(static_cast<const u8*>(image), tables, y, x, values[t]);
        } else if constexpr (kBlock == 2 && kImageW % 2 == 0) {
          gather_pairs(static_cast<const float*>(image), y, x, values[t]);
        } else {
          gather_elements(static_cast<const float*>(image), y, x, values[t]);
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

}  // namespace xi
