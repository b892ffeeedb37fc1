#include "quant/balanced_rounding.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace xinfer::quant {
namespace {

constexpr float kLargest = 127.0f;

/// A rounding that may be turned, and the error that turning it takes away from the sum.
struct Turn {
  std::size_t index = 0;
  float error = 0.0f;  ///< rounded - exact, positive in the direction of the sum to reduce
};

/// One channel while its roundings are being chosen.
class Channel {
 public:
  Channel(std::span<const float> weights, std::int64_t taps, std::int64_t inputs)
      : taps_(static_cast<std::size_t>(taps)),
        inputs_(static_cast<std::size_t>(inputs)),
        rounded_(weights.size()),
        errors_(weights.size()) {
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const float exact = std::clamp(weights[i], -kLargest, kLargest);
      rounded_[i] = std::nearbyint(exact);
      errors_[i] = rounded_[i] - exact;
    }
  }

  /// Turns roundings within each input's taps until their sum errs by at most 1/2.
  void balance_inputs() {
    if (taps_ == 1) return;  // nearest rounding has done it
    for (std::size_t input = 0; input < inputs_; ++input) {
      const double sum = input_error(input);
      turns_.clear();
      for (std::size_t tap = 0; tap < taps_; ++tap) consider(tap * inputs_ + input, sum);
      turn_cheapest(sum);
    }
  }

  /// The same for the whole channel: at most one turn an input, and only where the input's own sum
  /// leans the same way, so that it stays within 1.
  void balance_channel() {
    double sum = 0.0;
    for (float error : errors_) sum += error;
    turns_.clear();
    for (std::size_t input = 0; input < inputs_; ++input) {
      if (input_error(input) * direction_of(sum) <= 0.0) continue;
      const std::size_t before = turns_.size();
      for (std::size_t tap = 0; tap < taps_; ++tap) consider(tap * inputs_ + input, sum);
      keep_cheapest_after(before);
    }
    turn_cheapest(sum);
  }

  void store(std::span<std::int8_t> values) const {
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = static_cast<std::int8_t>(rounded_[i]);
    }
  }

 private:
  double input_error(std::size_t input) const {
    double sum = 0.0;
    for (std::size_t tap = 0; tap < taps_; ++tap) sum += errors_[tap * inputs_ + input];
    return sum;
  }

  static float direction_of(double sum) { return sum > 0 ? 1.0f : -1.0f; }

  /// Adds rounding `index` to the candidates if turning it lessens `sum`. The other neighbour of a
  /// weight within the grid is within the grid too.
  void consider(std::size_t index, double sum) {
    const float error = errors_[index] * direction_of(sum);
    if (error > 0.0f) turns_.push_back({index, error});
  }

  static bool is_cheaper(const Turn& a, const Turn& b) {
    return a.error != b.error ? a.error > b.error : a.index < b.index;
  }

  void keep_cheapest_after(std::size_t begin) {
    if (turns_.size() <= begin) return;
    const auto first = turns_.begin() + static_cast<std::ptrdiff_t>(begin);
    *first = *std::min_element(first, turns_.end(), is_cheaper);
    turns_.resize(begin + 1);
  }

  void turn_cheapest(double sum) {
    // A sum of exactly 1/2 stays: turning would only change its sign.
    const auto wanted = static_cast<std::size_t>(std::ceil(std::fabs(sum) - 0.5));
    const std::size_t count = std::min(std::fabs(sum) <= 0.5 ? 0 : wanted, turns_.size());
    if (count == 0) return;
    std::partial_sort(turns_.begin(), turns_.begin() + static_cast<std::ptrdiff_t>(count),
                      turns_.end(), is_cheaper);
    const float direction = direction_of(sum);
    for (std::size_t i = 0; i < count; ++i) {
      rounded_[turns_[i].index] -= direction;
      errors_[turns_[i].index] -= direction;
    }
  }

  std::size_t taps_;
  std::size_t inputs_;
  std::vector<float> rounded_;
  std::vector<float> errors_;
  std::vector<Turn> turns_;
};

}  // namespace

void round_balanced(std::span<const float> weights, std::int64_t taps, std::int64_t inputs,
                    std::span<std::int8_t> values) {
  Channel channel(weights, taps, inputs);
  channel.balance_inputs();
  channel.balance_channel();
  channel.store(values);
}

}  // namespace xinfer::quant
