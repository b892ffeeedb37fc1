// The epilogue of the second of two layers in one kernel: as epilogue.cuh, for an INT8 output and
// without residuals, tables and functions. Included after layer.cuh, which defines:
//   layer::kNextOutElem, kNextOutPitch, kNextOutAlign, kNextHasPadding, kNextSteps[],
//   kNextStepCount, kNextOutChannels (that carry values), kNextStoredChannels.
#pragma once

#include "cuda/epilogue.cuh"
#include "layer.cuh"

namespace xi {

/// Applies the steps from kStep on.
template <int kStep>
__device__ __forceinline__ float apply_next_steps(float y) {
  if constexpr (kStep >= layer::kNextStepCount) {
    return y;
  } else {
    constexpr Step kSpec = layer::kNextSteps[kStep];
    static_assert(kSpec.kind == StepKind::kClip || kSpec.kind == StepKind::kLeaky);
    if constexpr (kSpec.kind == StepKind::kClip) {
      y = fminf(fmaxf(y, kSpec.low), kSpec.high);
    } else {
      y = y < 0.0f ? __fmul_rn(y, kSpec.scale) : y;
    }
    return apply_next_steps<kStep + 1>(y);
  }
}

/// Finishes kRows pixels times kV consecutive channels of one thread: steps, stores. Stored
/// channels are whole runs of kV.
///   acc(row, v)  accumulator
///   pixel[row]   index of the output pixel; negative: nothing is stored
template <int kRows, int kV, typename Accumulator>
__device__ __forceinline__ void finish_next(const Accumulator& acc, const s64 (&pixel)[kRows],
                                            int channel, const SharedTable& table, void* y) {
  if (channel >= layer::kNextStoredChannels) return;
  u32 words[kRows][kV / 4];
#pragma unroll
  for (int four = 0; four < kV / 4; ++four) {
    const float4 m = table.multiplier_of(four), b = table.bias_of(four);
    const float ms[4] = {m.x, m.y, m.z, m.w}, bs[4] = {b.x, b.y, b.z, b.w};
#pragma unroll
    for (int row = 0; row < kRows; ++row) {
      int q[4];
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int v = 4 * four + i;
        float value = apply_next_steps<0>(__fmaf_rn(static_cast<float>(acc(row, v)), ms[i], bs[i]));
        if constexpr (layer::kNextHasPadding) {
          value = channel + v < layer::kNextOutChannels ? value : 0.0f;
        }
        q[i] = __float2int_rn(value);
      }
      words[row][four] = pack_saturated<layer::kNextOutElem>(q[0], q[1], q[2], q[3]);
    }
  }
#pragma unroll
  for (int row = 0; row < kRows; ++row) {
    if (pixel[row] < 0) continue;
    u8* to = static_cast<u8*>(y) + pixel[row] * layer::kNextOutPitch + channel;
    store_words<kV, layer::kNextOutAlign>(to, words[row]);
  }
}

}  // namespace xi
