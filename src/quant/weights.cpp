#include "quant/weights.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "quant/balanced_rounding.h"
#include "quant/quantize.h"

namespace xinfer::quant {
namespace {

constexpr std::int64_t kAccumulatorLimit = std::int64_t{1} << 31;

const float& at(const WeightView& w, std::int64_t channel, std::int64_t tap, std::int64_t input) {
  return w.data[channel * w.channel_stride + tap * w.tap_stride + input * w.input_stride];
}

Result<float> channel_scale(const WeightView& weights, std::int64_t channel) {
  float largest = 0.0f;
  for (std::int64_t tap = 0; tap < weights.taps; ++tap) {
    for (std::int64_t input = 0; input < weights.inputs; ++input) {
      const float w = at(weights, channel, tap, input);
      if (!std::isfinite(w)) {
        return invalid_model(
            "the weight of input {} at tap {} of output channel {} is {}; weights must be finite",
            input, tap, channel, w);
      }
      largest = std::max(largest, std::fabs(w));
    }
  }
  const float scale = s8_scale(largest);
  return is_usable_scale(scale) ? scale : 1.0f;
}

/// fl32(w / scale) of one channel, [taps][inputs].
void scale_row(const WeightView& weights, std::int64_t channel, float scale,
               std::vector<float>& row) {
  auto out = row.begin();
  for (std::int64_t tap = 0; tap < weights.taps; ++tap) {
    for (std::int64_t input = 0; input < weights.inputs; ++input) {
      *out++ = at(weights, channel, tap, input) / scale;
    }
  }
}

}  // namespace

Result<std::vector<float>> weight_scales(const WeightView& weights) {
  std::vector<float> scales(static_cast<std::size_t>(weights.channels));
  for (std::int64_t c = 0; c < weights.channels; ++c) {
    XINFER_ASSIGN_OR_RETURN(scales[static_cast<std::size_t>(c)], channel_scale(weights, c));
  }
  return scales;
}

Result<QuantizedWeights> quantize_weights(const WeightView& weights) {
  QuantizedWeights result;
  XINFER_ASSIGN_OR_RETURN(result.scales, weight_scales(weights));
  const auto row_size = static_cast<std::size_t>(weights.row_size());
  result.values.resize(static_cast<std::size_t>(weights.channels) * row_size);
  std::vector<float> row(row_size);
  for (std::int64_t c = 0; c < weights.channels; ++c) {
    const auto channel = static_cast<std::size_t>(c);
    scale_row(weights, c, result.scales[channel], row);
    round_balanced(row, weights.taps, weights.inputs,
                   std::span(result.values).subspan(channel * row_size, row_size));
  }
  return result;
}

std::int64_t largest_weight_sum(std::span<const std::int8_t> values, std::int64_t row_size) {
  if (row_size <= 0) return 0;
  std::int64_t largest = 0;
  const std::size_t row = static_cast<std::size_t>(row_size);
  for (std::size_t begin = 0; begin + row <= values.size(); begin += row) {
    std::int64_t sum = 0;
    for (std::int8_t q : values.subspan(begin, row)) sum += std::abs(static_cast<int>(q));
    largest = std::max(largest, sum);
  }
  return largest;
}

Status check_accumulator(std::int64_t largest_weight_sum, DType activation) {
  const std::int64_t factor = activation == DType::kUInt8 ? 255 : 128;
  // Compared by division: the product could leave int64 for an absurd sum.
  if (largest_weight_sum <= (kAccumulatorLimit - 1) / factor) return Status();
  return unsupported(
      "the largest sum of |weight| over an output channel is {}; times {} ({} activations) it "
      "reaches 2^31, the limit of an int32 accumulator",
      largest_weight_sum, factor, to_string(activation));
}

Status check_activation_product(std::int64_t inner_size) {
  constexpr std::int64_t kFactor = 255 * 128;
  if (inner_size <= (kAccumulatorLimit - 1) / kFactor) return Status();
  return unsupported(
      "an inner dimension of {} times 255 * 128 reaches 2^31, the limit of an int32 accumulator",
      inner_size);
}

}  // namespace xinfer::quant
