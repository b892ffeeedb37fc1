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

/// A weight that is a whole number of steps differs from it by DequantizeLinear's rounding, and by
/// that of a factor that was folded in behind it: 2^-23 of itself together, four times that
/// allowed.
constexpr double kGridTolerance = 0x1p-21;
constexpr int kMostSteps = 127;
/// Fewer weights lie on some grid by chance.
constexpr std::int64_t kLeastGridRow = 9;

bool is_whole(double steps) {
  return std::abs(steps - std::nearbyint(steps)) <= kGridTolerance * std::abs(steps);
}

bool is_grid(const WeightView& weights, std::int64_t channel, double step) {
  for (std::int64_t tap = 0; tap < weights.taps; ++tap) {
    for (std::int64_t input = 0; input < weights.inputs; ++input) {
      if (!is_whole(static_cast<double>(at(weights, channel, tap, input)) / step)) return false;
    }
  }
  return true;
}

/// The most steps, up to `most`, that the largest magnitude of a channel can be so that all its
/// weights are whole numbers of them; 0 if there is no such step.
int steps_of_largest(const WeightView& weights, std::int64_t channel, float largest, int most) {
  for (int steps = most; steps > 0; --steps) {
    if (is_grid(weights, channel, static_cast<double>(largest) / steps)) return steps;
  }
  return 0;
}

float largest_magnitude(const WeightView& weights, std::int64_t channel) {
  float largest = 0.0f;
  for (std::int64_t tap = 0; tap < weights.taps; ++tap) {
    for (std::int64_t input = 0; input < weights.inputs; ++input) {
      largest = std::max(largest, std::fabs(at(weights, channel, tap, input)));
    }
  }
  return largest;
}

Result<float> channel_scale(const WeightView& weights, std::int64_t channel) {
  for (std::int64_t tap = 0; tap < weights.taps; ++tap) {
    for (std::int64_t input = 0; input < weights.inputs; ++input) {
      const float w = at(weights, channel, tap, input);
      if (!std::isfinite(w)) {
        return invalid_model(
            "the weight of input {} at tap {} of output channel {} is {}; weights must be finite",
            input, tap, channel, w);
      }
    }
  }
  const float largest = largest_magnitude(weights, channel);
  const bool may_be_grid = largest != 0.0f && weights.row_size() >= kLeastGridRow;
  const int steps = may_be_grid ? steps_of_largest(weights, channel, largest, kMostSteps) : 0;
  const float scale =
      steps == 0 ? s8_scale(largest) : static_cast<float>(static_cast<double>(largest) / steps);
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

/// Takes away what dequantising added to weights that all are whole numbers.
void snap(std::vector<float>& row) {
  constexpr float kRounded =
      0x1p-19f;  // kGridTolerance, and the scale's and the quotient's rounding
  const bool whole = std::all_of(row.begin(), row.end(), [](float w) {
    return std::abs(w - std::nearbyint(w)) <= kRounded * std::abs(w);
  });
  if (!whole) return;
  for (float& w : row) w = std::nearbyint(w);
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
    snap(row);
    round_balanced(row, weights.taps, weights.inputs,
                   std::span(result.values).subspan(channel * row_size, row_size));
  }
  return result;
}

bool lie_on_grid(const WeightView& weights) {
  for (std::int64_t c = 0; c < weights.channels; ++c) {
    const float largest = largest_magnitude(weights, c);
    if (largest != 0.0f && steps_of_largest(weights, c, largest, kMostSteps + 1) == 0) return false;
  }
  return true;
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
  constexpr std::int64_t kFactor = std::int64_t{255} * 128;
  if (inner_size <= (kAccumulatorLimit - 1) / kFactor) return Status();
  return unsupported(
      "an inner dimension of {} times 255 * 128 reaches 2^31, the limit of an int32 accumulator",
      inner_size);
}

}  // namespace xinfer::quant
