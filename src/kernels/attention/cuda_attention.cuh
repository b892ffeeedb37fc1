// Attention of one layer in one kernel, on mma.sync (sm_80 and up):
//
//   y[i, t, h, :] = sum over s of softmax over s (kFactor * q[i, t, h, :] . k[i, s, h, :])
//                   * v[i, s, h, :]
//
// Scores are INT8 products (exact) or FP16 products added in float32; the softmax is float32, its
// maximum kept running over chunks of keys; its weights are rounded to FP16 and multiplied with
// FP16 values, added in float32. A warp computes 16 queries of one head, a block kWarps of them;
// kChunk keys and values at a time go through a ring of two in shared memory, whose rows have an
// odd number of 16-byte granules, so that ldmatrix meets no bank conflicts. q, k, v, y: any strides
// between tokens, heads and images; the elements of a head side by side and aligned to 16 bytes.
// Grid: images * heads * query tiles, query tiles fastest.
#pragma once

#include "cuda/ptx_sm80.cuh"
#include "cuda/run.cuh"
#include "layer.cuh"

namespace xi {

using namespace layer;

constexpr int kThreads = 32 * kWarps;
constexpr int kTileQueries = 16 * kWarps;
constexpr int kQueryTiles = ceil_div(kQueries, kTileQueries);
constexpr int kChunk = 64;
constexpr int kChunks = ceil_div(kKeys, kChunk);
/// Keys that the last chunk computes: a multiple of a product's 16.
constexpr int kTailKeys = ceil_div(kKeys - (kChunks - 1) * kChunk, 16) * 16;

constexpr int kScoreGranules = kDim * size_of(kQElem) / 16;  // of a row of q and k
constexpr int kValueGranules = kDim * 2 / 16;
constexpr int kOutGranules = kDim * size_of(kOutElem) / 16;
constexpr int kScorePitch = (kScoreGranules | 1) * 16;
constexpr int kValuePitch = (kValueGranules | 1) * 16;
constexpr int kOutPitchBytes = (kOutGranules | 1) * 16;
constexpr int kQueryBytes = kTileQueries * max_of(kScorePitch, kOutPitchBytes);
constexpr int kStageBytes = kChunk * (kScorePitch + kValuePitch);
constexpr int kScoreSteps = kScoreGranules / 2;  // products along a head's elements
constexpr int kOutTiles = kDim / 8;
static_assert(kQueryBytes + 2 * kStageBytes <= kSharedBytes,
              "attention_kernels.cpp must reserve what the kernel uses");

using Score = AccumulatorOf<kQElem>;

/// Copies rows [first, first + rows) of a head, zeros behind row `count`, to shared memory.
template <int kGranules, int kPitch>
__device__ __forceinline__ void copy_rows(u32 to, const u8* from, s64 row_bytes, int first,
                                          int rows, int count) {
  for (int i = threadIdx.x; i < rows * kGranules; i += kThreads) {
    const int row = i / kGranules, granule = i % kGranules;
    const bool valid = first + row < count;
    copy_async_16(to + row * kPitch + granule * 16,
                  valid ? from + (first + row) * row_bytes + granule * 16 : from, valid);
  }
}

/// Transposed 8x8 matrices of 16-bit elements, addressed like load_matrix_x4's.
__device__ __forceinline__ void load_matrix_x4_transposed(u32 (&r)[4], u32 address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(address));
}

/// Of a quad of lanes, which share a row of the products.
__device__ __forceinline__ float max_of_quad(float value) {
  value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, 1));
  return fmaxf(value, __shfl_xor_sync(0xffffffffu, value, 2));
}
__device__ __forceinline__ float sum_of_quad(float value) {
  value += __shfl_xor_sync(0xffffffffu, value, 1);
  return value + __shfl_xor_sync(0xffffffffu, value, 2);
}

/// What one warp carries from chunk to chunk: rows lane / 4 and lane / 4 + 8 of its queries.
struct Running {
  u32 query[kScoreSteps][4];
  float out[kOutTiles][4] = {};
  float largest[2];
  float sum[2] = {0.0f, 0.0f};  // this lane's part

  __device__ __forceinline__ Running(u32 queries, int lane) {
    largest[0] = largest[1] = __int_as_float(0xff800000);
#pragma unroll
    for (int step = 0; step < kScoreSteps; ++step) {
      load_matrix_x4(query[step],
                     queries + (lane & 15) * kScorePitch + (2 * step + (lane >> 4)) * 16);
    }
  }

  /// kCount keys whose rows lie at `keys` and `values`; only the first kReal of them exist.
  template <int kCount, int kReal>
  __device__ __forceinline__ void add(u32 keys, u32 values, int lane) {
    Score score[kCount / 8][4] = {};
    multiply_keys<kCount>(score, keys, lane);
    // In units of the exponent: exp(x) = 2^(x log2(e)), and kFactor holds log2(e).
    float weight[kCount / 8][4];
    float top[2] = {largest[0], largest[1]};
#pragma unroll
    for (int j = 0; j < kCount / 8; ++j) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const bool real = kReal == kCount || 8 * j + 2 * (lane % 4) + i % 2 < kReal;
        weight[j][i] =
            real ? __fmul_rn(static_cast<float>(score[j][i]), kFactor) : __int_as_float(0xff800000);
        top[i / 2] = fmaxf(top[i / 2], weight[j][i]);
      }
    }
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      top[half] = max_of_quad(top[half]);
      const float shrink = exp2f(largest[half] - top[half]);
      largest[half] = top[half];
      sum[half] *= shrink;
#pragma unroll
      for (int n = 0; n < kOutTiles; ++n) {
        out[n][2 * half] *= shrink;
        out[n][2 * half + 1] *= shrink;
      }
    }
#pragma unroll
    for (int j = 0; j < kCount / 8; ++j) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        weight[j][i] = exp2f(weight[j][i] - top[i / 2]);
        sum[i / 2] += weight[j][i];
      }
    }
    multiply_values<kCount>(weight, values, lane);
  }

  template <int kCount>
  __device__ __forceinline__ void multiply_keys(Score (&score)[kCount / 8][4], u32 keys,
                                                int lane) const {
    const u32 row = (lane & 7) + ((lane >> 4) << 3), granule = (lane >> 3) & 1;
#pragma unroll
    for (int j = 0; j < kCount / 16; ++j) {
#pragma unroll
      for (int step = 0; step < kScoreSteps; ++step) {
        u32 b[4];
        load_matrix_x4(b, keys + (16 * j + row) * kScorePitch + (2 * step + granule) * 16);
        mma<kQElem>(score[2 * j], query[step], b[0], b[1]);
        mma<kQElem>(score[2 * j + 1], query[step], b[2], b[3]);
      }
    }
  }

  template <int kCount>
  __device__ __forceinline__ void multiply_values(const float (&weight)[kCount / 8][4], u32 values,
                                                  int lane) {
    const u32 row = (lane & 7) + ((lane >> 3) & 1) * 8, granule = lane >> 4;
#pragma unroll
    for (int step = 0; step < kCount / 16; ++step) {
      const float(&low)[4] = weight[2 * step];
      const float(&high)[4] = weight[2 * step + 1];
      const u32 a[4] = {pack_halves(low[0], low[1]), pack_halves(low[2], low[3]),
                        pack_halves(high[0], high[1]), pack_halves(high[2], high[3])};
#pragma unroll
      for (int n = 0; n < kOutTiles / 2; ++n) {
        u32 b[4];
        load_matrix_x4_transposed(
            b, values + (16 * step + row) * kValuePitch + (2 * n + granule) * 16);
        mma<Elem::kF16>(out[2 * n], a, b[0], b[1]);
        mma<Elem::kF16>(out[2 * n + 1], a, b[2], b[3]);
      }
    }
  }

  /// The results as elements of y, 16 rows of kOutPitchBytes at `rows` (generic address).
  __device__ __forceinline__ void stage(u8* rows, int lane) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const float total = sum_of_quad(sum[half]);
      u8* row = rows + (lane / 4 + 8 * half) * kOutPitchBytes;
#pragma unroll
      for (int n = 0; n < kOutTiles; ++n) {
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          float value = __fdiv_rn(out[n][2 * half + i], total);
          if constexpr (is_int8(kOutElem)) value = __fdiv_rn(value, kOutScale);
          store_element<kOutElem>(row, 8 * n + 2 * (lane % 4) + i, value);
        }
      }
    }
  }
};

}  // namespace xi

extern "C" __global__ void __launch_bounds__(xi::kThreads)
    attention(const xi::u8* __restrict__ q, const xi::u8* __restrict__ k,
              const xi::u8* __restrict__ v, xi::u8* __restrict__ y, const int batch) {
  using namespace xi;
  extern __shared__ __align__(128) u8 shared[];
  let_successor_start();
  const int tile = blockIdx.x % kQueryTiles, head = blockIdx.x / kQueryTiles % kHeads;
  const int image = blockIdx.x / (kQueryTiles * kHeads);
  if (image >= batch) return;
  const u8* q_head =
      q + (image * static_cast<s64>(kQImage) + head * static_cast<s64>(kQHead)) * size_of(kQElem);
  const u8* k_head =
      k + (image * static_cast<s64>(kKImage) + head * static_cast<s64>(kKHead)) * size_of(kQElem);
  const u8* v_head = v + (image * static_cast<s64>(kVImage) + head * static_cast<s64>(kVHead)) * 2;
  const u32 queries = shared_address(shared), ring = queries + kQueryBytes;
  const auto copy_chunk = [&](int chunk) {
    const u32 stage = ring + chunk % 2 * kStageBytes;
    copy_rows<kScoreGranules, kScorePitch>(stage, k_head, kKToken * size_of(kQElem), chunk * kChunk,
                                           kChunk, kKeys);
    copy_rows<kValueGranules, kValuePitch>(stage + kChunk * kScorePitch, v_head, kVToken * 2,
                                           chunk * kChunk, kChunk, kKeys);
  };

  wait_for_predecessor();
  copy_rows<kScoreGranules, kScorePitch>(queries, q_head, kQToken * size_of(kQElem),
                                         tile * kTileQueries, kTileQueries, kQueries);
  copy_chunk(0);
  commit_copies();
  if constexpr (kChunks > 1) copy_chunk(1);
  commit_copies();
  wait_copies<1>();
  __syncthreads();

  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  Running running(queries + warp * 16 * kScorePitch, lane);
#pragma unroll 1
  for (int chunk = 0; chunk < kChunks - 1; ++chunk) {
    const u32 stage = ring + chunk % 2 * kStageBytes;
    running.add<kChunk, kChunk>(stage, stage + kChunk * kScorePitch, lane);
    __syncthreads();
    if (chunk + 2 < kChunks) copy_chunk(chunk + 2);
    commit_copies();
    wait_copies<1>();
    __syncthreads();
  }
  const u32 stage = ring + (kChunks - 1) % 2 * kStageBytes;
  running.add<kTailKeys, kKeys - (kChunks - 1) * kChunk>(stage, stage + kChunk * kScorePitch, lane);

  // The queries' memory takes the results, from where they leave in whole granules.
  __syncthreads();
  u8* rows = shared + warp * 16 * kOutPitchBytes;
  running.stage(rows, lane);
  __syncwarp();
  const int first = tile * kTileQueries + warp * 16;
  for (int i = lane; i < 16 * kOutGranules; i += 32) {
    const int row = i / kOutGranules, granule = i % kOutGranules;
    if (first + row >= kQueries) continue;
    const s64 at = image * static_cast<s64>(kYImage) + head * static_cast<s64>(kYHead) +
                   (first + row) * static_cast<s64>(kYToken);
    *reinterpret_cast<uint4*>(y + at * size_of(kOutElem) + granule * 16) =
        *reinterpret_cast<const uint4*>(rows + row * kOutPitchBytes + granule * 16);
  }
}
