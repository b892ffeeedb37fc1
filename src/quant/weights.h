// Weights to s8: symmetric in [-127, 127], one scale per output channel.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/status.h"
#include "xinfer/core/dtype.h"

namespace xinfer::quant {

/// Float weights as `channels` rows of `taps` x `inputs` elements, wherever the model stores them.
/// The weight that joins input i at tap t to channel c is
/// data[c * channel_stride + t * tap_stride + i * input_stride].
/// Conv [O, I, kH, kW]: {w, O, kH*kW, I, I*kH*kW, 1, kH*kW}. MatMul [K, N]: {w, N, 1, K, 1, 0, N}.
struct WeightView {
  const float* data = nullptr;
  std::int64_t channels = 0;
  std::int64_t taps = 1;
  std::int64_t inputs = 0;
  std::int64_t channel_stride = 0;
  std::int64_t tap_stride = 0;
  std::int64_t input_stride = 1;

  std::int64_t row_size() const { return taps * inputs; }
};

struct QuantizedWeights {
  std::vector<std::int8_t> values;  ///< [channels][taps][inputs]
  std::vector<float> scales;        ///< [channels]
};

/// fl32(max|w| / 127) of every channel, the quotient taken in double and rounded once. A channel of
/// nine weights or more, all of them whole numbers of a larger step, max|w| / m for some m < 127,
/// keeps the least such step: weights that were quantised before lose nothing. A channel of zeros
/// (or so small that its scale would be subnormal) gets 1. Fails on NaN or infinity, naming the
/// channel, tap and input.
Result<std::vector<float>> weight_scales(const WeightView& weights);

/// fl32(w / scale) with those scales, rounded so that the errors of a channel cancel
/// (balanced_rounding.h), within [-127, 127].
Result<QuantizedWeights> quantize_weights(const WeightView& weights);

/// True if the weights of every channel are whole numbers of some step, of magnitude 128 at most:
/// they were quantised before. (-128 itself has no place in [-127, 127]; such a channel is
/// rounded.)
bool lie_on_grid(const WeightView& weights);

/// The largest sum of |q| over the channels: what bounds the int32 accumulator. `values` is
/// [channels][row_size].
std::int64_t largest_weight_sum(std::span<const std::int8_t> values, std::int64_t row_size);

/// Fails (unsupported) if an accumulator over these weights could reach 2^31: the largest weight
/// sum times 255 for u8 activations, 128 for s8. The message gives the figures.
Status check_accumulator(std::int64_t largest_weight_sum, DType activation);

/// The same bound for activation x activation (MatMul of two computed values): K * 255 * 128.
Status check_activation_product(std::int64_t inner_size);

}  // namespace xinfer::quant
