// The epilogue on the device: accumulators to stored outputs, step by step as docs/numerics.md,
// "Rounding regions", defines it. Everything about the steps is a constant of the layer, so an
// epilogue costs only the instructions of its own steps.
//
// Included after layer.cuh, which defines:
//   layer::kOutElem, kOutPitch (elements between pixels), kOutAlign (bytes: alignment of the
//   output's base, pitch and group offset), kScaled (multiplier present), kSteps[], kStepCount.
#pragma once

#include "cuda/memory.cuh"
#include "cuda/step.cuh"
#include "layer.cuh"

namespace xi {

/// The addresses that belong to the steps: a residual or a table each, null for other steps.
struct StepPointers {
  const void* at[4];
};

template <int kStep>
constexpr bool is_residual() {
  return kStep < layer::kStepCount && layer::kSteps[kStep].kind == StepKind::kResidual;
}

/// Whether some residual's elements are wider than a byte.
constexpr bool kWideResiduals = (is_residual<0>() && size_of(layer::kSteps[0].elem) > 1) ||
                                (is_residual<1>() && size_of(layer::kSteps[1].elem) > 1) ||
                                (is_residual<2>() && size_of(layer::kSteps[2].elem) > 1) ||
                                (is_residual<3>() && size_of(layer::kSteps[3].elem) > 1);

/// One thread's residual values for kV consecutive channels of a pixel, as loaded.
template <int kV, int kStep, bool kPresent = is_residual<kStep>()>
struct ResidualWords {
  template <bool kWhole>
  __device__ __forceinline__ void load(const StepPointers&, s64, int, int) {}
  __device__ __forceinline__ float value(int) const { return 0.0f; }
};

template <int kV, int kStep>
struct ResidualWords<kV, kStep, true> {
  static constexpr Step kSpec = layer::kSteps[kStep];
  static constexpr int kBytes = kV * size_of(kSpec.elem);
  static constexpr int kPerWord = 4 / size_of(kSpec.elem);
  u32 words[kBytes / 4];

  /// `limit` is the number of channels from `channel` on that the output stores. Pixels of the
  /// residual may be shorter than the output's: what lies behind them is not read.
  template <bool kWhole>
  __device__ __forceinline__ void load(const StepPointers& pointers, s64 pixel, int channel,
                                       int limit) {
    constexpr int kSize = size_of(kSpec.elem);
    constexpr bool kShorter = kSpec.pitch < layer::kOutPitch;
    if constexpr (kShorter) limit = min(limit, kSpec.pitch - channel);
    const u8* from =
        static_cast<const u8*>(pointers.at[kStep]) + (pixel * kSpec.pitch + channel) * kSize;
    if ((kWhole && !kShorter) || limit >= kV) {
      load_words<kBytes, kSpec.align>(from, words);
      return;
    }
#pragma unroll
    for (int i = 0; i < kBytes / 4; ++i) words[i] = 0;
#pragma unroll
    for (int i = 0; i < kBytes; ++i) {
      if (i < limit * kSize) words[i / 4] |= static_cast<u32>(from[i]) << (8 * (i % 4));
    }
  }

  /// y after the residual of channel v has been added with the step's scale.
  __device__ __forceinline__ float add_to(float y, int v) const {
    const u32 word = words[v / kPerWord];
    if constexpr (kSpec.elem == Elem::kU8) {
      // The masked byte is r * 2^(8k): exact in float, and so is the scale times 2^(-8k).
      const int k = v % 4;
      const float power = k == 0 ? 1.0f : k == 1 ? 0x1p-8f : k == 2 ? 0x1p-16f : 0x1p-24f;
      return __fmaf_rn(static_cast<float>(word & (255u << (8 * k))), kSpec.scale * power, y);
    } else if constexpr (kSpec.elem == Elem::kS8) {
      const u32 selector =
          0x0444u | (static_cast<u32>(v % 4) << 12);  // byte to the top, zeros below
      const int shifted = static_cast<int>(__byte_perm(word, 0u, selector));
      return __fmaf_rn(static_cast<float>(shifted), kSpec.scale * 0x1p-24f, y);
    } else if constexpr (kSpec.elem == Elem::kF16) {
      return __fmaf_rn(half_bits_to_float(static_cast<u16>(word >> (16 * (v % 2)))), kSpec.scale,
                       y);
    } else {
      return __fmaf_rn(__uint_as_float(word), kSpec.scale, y);
    }
  }
};

/// The residuals of every step.
template <int kV>
struct Residuals {
  ResidualWords<kV, 0> step0;
  ResidualWords<kV, 1> step1;
  ResidualWords<kV, 2> step2;
  ResidualWords<kV, 3> step3;

  template <bool kWhole>
  __device__ __forceinline__ void load(const StepPointers& pointers, s64 pixel, int channel,
                                       int limit) {
    step0.template load<kWhole>(pointers, pixel, channel, limit);
    step1.template load<kWhole>(pointers, pixel, channel, limit);
    step2.template load<kWhole>(pointers, pixel, channel, limit);
    step3.template load<kWhole>(pointers, pixel, channel, limit);
  }
  template <int kStep>
  __device__ __forceinline__ const auto& step() const {
    if constexpr (kStep == 0) {
      return step0;
    } else if constexpr (kStep == 1) {
      return step1;
    } else if constexpr (kStep == 2) {
      return step2;
    } else {
      return step3;
    }
  }
};

/// Applies the steps from kStep on to y of channel v.
template <int kStep, int kV>
__device__ __forceinline__ float apply_steps(float y, int v, const Residuals<kV>& residuals,
                                             const StepPointers& pointers) {
  if constexpr (kStep >= layer::kStepCount) {
    return y;
  } else {
    constexpr Step kSpec = layer::kSteps[kStep];
    if constexpr (kSpec.kind == StepKind::kResidual) {
      y = residuals.template step<kStep>().add_to(y, v);
    } else if constexpr (kSpec.kind == StepKind::kClip) {
      y = fminf(fmaxf(y, kSpec.low), kSpec.high);
    } else if constexpr (kSpec.kind == StepKind::kLeaky) {
      y = y < 0.0f ? __fmul_rn(y, kSpec.scale) : y;
    } else if constexpr (kSpec.kind == StepKind::kFunction) {
      y = layer::step_function<kStep>(y);
    } else if constexpr (kSpec.kind == StepKind::kTable) {
      const int q = __float2int_rn(fminf(fmaxf(y, kSpec.low), kSpec.high));
      const u8 byte = __ldg(static_cast<const u8*>(pointers.at[kStep]) + (q & 255));
      const float t = kSpec.elem == Elem::kS8 ? static_cast<float>(static_cast<s8>(byte))
                                              : static_cast<float>(byte);
      if constexpr (is_residual<kStep + 1>()) {
        const float r = residuals.template step<kStep + 1>().add_to(0.0f, v);
        y = __fmaf_rn(t, kSpec.scale, r);
        return apply_steps<kStep + 2, kV>(y, v, residuals, pointers);
      } else {
        y = __fmul_rn(t, kSpec.scale);
      }
    }
    return apply_steps<kStep + 1, kV>(y, v, residuals, pointers);
  }
}

/// Packs four outputs: one word for INT8, two for FP16, four for FP32.
__device__ __forceinline__ void pack_four(const float (&y)[4], u32* words) {
  if constexpr (layer::kOutElem == Elem::kF32) {
#pragma unroll
    for (int i = 0; i < 4; ++i) words[i] = __float_as_uint(y[i]);
  } else if constexpr (layer::kOutElem == Elem::kF16) {
    words[0] = pack_halves(y[0], y[1]);
    words[1] = pack_halves(y[2], y[3]);
  } else {
    // Converting saturates to int32 and the pack to INT8: the same as clamping as float first.
    const int q0 = __float2int_rn(y[0]), q1 = __float2int_rn(y[1]);
    const int q2 = __float2int_rn(y[2]), q3 = __float2int_rn(y[3]);
    words[0] = pack_saturated<layer::kOutElem>(q0, q1, q2, q3);
  }
}

/// Multiplier and bias in global memory, from the thread's first channel on (16-byte aligned).
struct GlobalTable {
  const float* multiplier;
  const float* bias;
  __device__ __forceinline__ float4 multiplier_of(int four) const {
    return __ldg(reinterpret_cast<const float4*>(multiplier) + four);
  }
  __device__ __forceinline__ float4 bias_of(int four) const {
    return __ldg(reinterpret_cast<const float4*>(bias) + four);
  }
};

/// The same in shared memory: groups of four channels in the order in which a quad of lanes reads
/// them, lanes fastest, so that its reads hit different banks. Biases follow `bias_offset` bytes
/// behind the multipliers.
struct SharedTable {
  u32 address;
  u32 bias_offset;
  __device__ __forceinline__ static float4 read(u32 from) {
    float4 v;
    asm volatile("ld.shared.v4.f32 {%0,%1,%2,%3}, [%4];"
                 : "=f"(v.x), "=f"(v.y), "=f"(v.z), "=f"(v.w)
                 : "r"(from));
    return v;
  }
  __device__ __forceinline__ float4 multiplier_of(int four) const {
    return read(address + four * 64);
  }
  __device__ __forceinline__ float4 bias_of(int four) const {
    return read(address + bias_offset + four * 64);
  }
};

/// Number of 32-bit words of kV outputs.
template <int kV>
constexpr int kOutWords = kV* size_of(layer::kOutElem) / 4;

/// Outputs of kRows pixels times kV consecutive channels of one thread, packed.
///   acc(row, v)  accumulator (s32 or float)
///   real         channels from the first on that carry values; the rest is padding, stored as zero
template <int kRows, int kV, typename Accumulator, typename Table>
__device__ __forceinline__ void compute_outputs(const Accumulator& acc, int real,
                                                const Table& table,
                                                const Residuals<kV> (&residuals)[kRows],
                                                const StepPointers& pointers,
                                                u32 (&words)[kRows][kOutWords<kV>]) {
#pragma unroll
  for (int four = 0; four < kV / 4; ++four) {
    const float4 b = table.bias_of(four);
    float4 m = {};
    if constexpr (layer::kScaled) m = table.multiplier_of(four);
    const float bs[4] = {b.x, b.y, b.z, b.w};
    const float ms[4] = {m.x, m.y, m.z, m.w};
#pragma unroll
    for (int row = 0; row < kRows; ++row) {
      float out[4];
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int v = 4 * four + i;
        const float a = static_cast<float>(acc(row, v));
        float value = layer::kScaled ? __fmaf_rn(a, ms[i], bs[i]) : __fadd_rn(a, bs[i]);
        value = apply_steps<0, kV>(value, v, residuals[row], pointers);
        if constexpr (layer::kHasPadding) value = v < real ? value : 0.0f;
        out[i] = value;
      }
      pack_four(out, words[row] + four * kOutWords<4>);
    }
  }
}

/// Stores kV channels of one pixel, of which `limit` exist in memory (kWhole: all).
template <int kV, bool kWhole>
__device__ __forceinline__ void store_outputs(void* y, s64 pixel, int channel, int limit,
                                              const u32 (&words)[kOutWords<kV>]) {
  constexpr int kSize = size_of(layer::kOutElem);
  u8* to = static_cast<u8*>(y) + (pixel * layer::kOutPitch + channel) * kSize;
  if (kWhole || limit >= kV) {
    store_words<kV * kSize, layer::kOutAlign>(to, words);
    return;
  }
#pragma unroll
  for (int i = 0; i < kV * kSize; ++i) {
    if (i < limit * kSize) to[i] = static_cast<u8>(words[i / 4] >> (8 * (i % 4)));
  }
}

/// Finishes kRows pixels times kV consecutive channels of one thread: residuals from global memory,
/// steps, stores.
///   pixel[row]  index of the output pixel; negative: nothing is stored
///   channel     first channel, counted within the group
///   first       the group's first channel in the output tensor
///   stored, real  channels of the group that exist in the output, and that carry values
/// kWhole: `stored` is a multiple of kV, so that no run of channels is cut.
template <int kRows, int kV, bool kWhole, typename Accumulator, typename Table>
__device__ __forceinline__ void finish_tile(const Accumulator& acc, const s64 (&pixel)[kRows],
                                            int channel, int first, int stored, int real,
                                            const Table& table, void* y,
                                            const StepPointers& pointers) {
  if (channel >= stored) return;
  Residuals<kV> residuals[kRows];
#pragma unroll
  for (int row = 0; row < kRows; ++row) {
    if (pixel[row] < 0) continue;
    residuals[row].template load<kWhole>(pointers, pixel[row], first + channel, stored - channel);
  }
  u32 words[kRows][kOutWords<kV>];
  compute_outputs<kRows, kV>(acc, real - channel, table, residuals, pointers, words);
#pragma unroll
  for (int row = 0; row < kRows; ++row) {
    if (pixel[row] < 0) continue;
    store_outputs<kV, kWhole>(y, pixel[row], first + channel, stored - channel, words[row]);
  }
}

}  // namespace xi
