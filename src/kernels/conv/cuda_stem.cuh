// A network's first layers in one launch on wgmma (sm_90a): the image's conversion to the type that
// the convolution multiplies, the convolution, and the max pooling behind it if there is one.
//
//   x'[b, y, x, (dy kBlock + dx) kChannels + c] =
//       convert(image[b, c, y kBlock + dy, x kBlock + dx])   float32 images
//       table[c][image[b, y kBlock + dy, x kBlock + dx, c]]  u8 images
//   y = max over the pooling window of epilogue(sum over taps of x' * w)
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

#include "conv/cuda_stem_image.cuh"

namespace xi {

constexpr int kChunkCols = min_of(kPermutation, kTileN);
constexpr int kChunkChannels = kChunkCols / 4;

using Fragment = AccumulatorOf<kInElem>;

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

/// A thread's first channel of a chunk of columns.
__device__ __forceinline__ int channel_of(int chunk) {
  const int at = chunk * kChunkCols;
  return at / kPermutation * kPermutation + kChunkChannels * (threadIdx.x % 4) +
         at % kPermutation / 4;
}

/// Multipliers and biases of a thread's channels: the same for every row, so that they stay in
/// registers where these suffice.
struct Tables {
  static constexpr bool kKept = kTileN <= 64;
  static constexpr int kFours = kKept ? kTileN / 16 : 1;
  const float *multiplier, *bias;
  float4 multipliers[kFours], biases[kFours];

  __device__ __forceinline__ Tables(const float* multiplier_in, const float* bias_in)
      : multiplier(multiplier_in), bias(bias_in) {
    if constexpr (kKept) {
#pragma unroll
      for (int i = 0; i < kFours; ++i) {
        const GlobalTable table = of_memory(i * 4 / kChunkChannels);
        if constexpr (kScaled) multipliers[i] = table.multiplier_of(i % (kChunkChannels / 4));
        biases[i] = table.bias_of(i % (kChunkChannels / 4));
      }
    }
  }
  __device__ __forceinline__ GlobalTable of_memory(int chunk) const {
    return {multiplier + channel_of(chunk), bias + channel_of(chunk)};
  }
};

/// The part of Tables that a chunk needs.
struct KeptTable {
  const Tables& tables;
  int first;
  __device__ __forceinline__ float4 multiplier_of(int four) const {
    return tables.multipliers[first + four];
  }
  __device__ __forceinline__ float4 bias_of(int four) const { return tables.biases[first + four]; }
};

/// Puts the outputs of a row into their ring.
__device__ __forceinline__ void finish(const Fragment (&acc)[kTileN / 2], const Stem& stem, int row,
                                       const Tables& tables, const StepPointers& steps) {
  constexpr Residuals<kChunkChannels> kNone[2] = {};
  const int warp = threadIdx.x / 32 % 4, lane = threadIdx.x % 32;
#pragma unroll
  for (int chunk = 0; chunk < kTileN / kChunkCols; ++chunk) {
    const int channel = channel_of(chunk);
    const auto value = [&](int half, int v) {
      return acc[(chunk * (kChunkCols / 8) + v / 2) * 4 + half * 2 + v % 2];
    };
    u32 words[2][kOutWords<kChunkChannels>];
    const auto compute = [&](const auto& table) {
      compute_outputs<2, kChunkChannels>(value, kGroupOutChannels - channel, table, kNone, steps,
                                         words);
    };
    if constexpr (Tables::kKept) {
      compute(KeptTable{tables, chunk * kChunkChannels / 4});
    } else {
      compute(tables.of_memory(chunk));
    }
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int position = warp * 16 + half * 8 + lane / 4;
      if (position >= kOutColumns) continue;
      const u32 to = stem.out_row(row) + Stem::out_pixel(position) + channel * size_of(kOutElem);
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
        load_shared(stem.out_row(conv_row) + Stem::out_pixel(conv_column) + run * 16, tap);
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
    conv_stem(const void* images, const void* tables,
              const __grid_constant__ xi::TensorMap image_map,
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
  const Tables channels(multiplier, bias);
  wait_for_predecessor();
  if (threadIdx.x == 0) copy_image(stem, &image_map, 0, kSlots);
  const u8* image = static_cast<const u8*>(images) +
                    static_cast<s64>(stem.image) * (kChannels * kImageH * kImageW * kElementBytes);
  __syncthreads();
  // Convolution rows before `computed` and converted rows before `converted` are done or not
  // needed.
  int computed = stem.top, converted = stem.top;
  for (int row = stem.first_row; row < stem.end_row; row += kStepRows) {
    const int row_end = min(row + kStepRows, stem.end_row);
    const int need = Stem::rows_needed(row_end);
    convert_rows(stem, image, tables, converted, need + kKernelH - 1);
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
      finish(acc, stem, r, channels, steps);
    }
    computed = need;
    __syncthreads();
    pool_rows(stem, row, row_end, y);
  }
}
