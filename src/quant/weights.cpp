#include "quant/weights.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "quant/quantize.h"

namespace xinfer::quant {
namespace {

constexpr std::int64_t kAccumulatorLimit = std::int64_t{1} << 31;

const float& at(const WeightView& w, std::int64_t channel, std::int64_t element) {
  return w.data[channel * w.channel_stride + element * w.element_stride];
}

Result<float> channel_scale(const WeightView& weights, std::int64_t channel) {
  float largest = 0.0f;
  for (std::int64_t e = 0; e < weights.row_size; ++e) {
    const float w = at(weights, channel, e);
    if (!std::isfinite(w)) {
      return invalid_model("weight {} of output channel {} is {}; weights must be finite", e,
                           channel, w);
    }
    largest = std::max(largest, std::fabs(w));
  }
  const float scale = s8_scale(largest);
  return is_usable_scale(scale) ? scale : 1.0f;
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
  result.values.resize(static_cast<std::size_t>(weights.channels * weights.row_size));
  std::int8_t* out = result.values.data();
  for (std::int64_t c = 0; c < weights.channels; ++c) {
    const float scale = result.scales[static_cast<std::size_t>(c)];
    for (std::int64_t e = 0; e < weights.row_size; ++e) {
      // -128 cannot arise from the channel's own scale, but fl32 may round it down by half an ulp.
      const std::int32_t q = quantize(at(weights, c, e), scale, DType::kInt8);
      *out++ = static_cast<std::int8_t>(std::max(q, -127));
    }
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
