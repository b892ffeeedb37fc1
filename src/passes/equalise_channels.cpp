#include "passes/equalise_channels.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "passes/channel_groups.h"
#include "passes/match.h"

namespace xinfer::passes {
namespace {

using ir::Graph;
using ir::NodeId;
using ir::ValueId;

/// A factor below this would let a channel that calibration saw nearly unused clip at once.
constexpr double kSmallestFactor = 1.0 / 256;
/// An activation is taken to deviate by a quarter of its largest magnitude.
constexpr double kDeviationsInRange = 4;
constexpr double kSteps = 127;
constexpr std::string_view kSuffix = "_equalised";

/// One group with what its equalisation is decided by.
class Equalisation {
 public:
  Equalisation(Graph& graph, const ChannelGroup& group, RangeMap& ranges)
      : graph_(graph), group_(group), ranges_(ranges) {}

  bool is_known(const ir::Constraints& constraints) const {
    return std::all_of(group_.values.begin(), group_.values.end(), [&](ValueId value) {
      const auto range = ranges_.find(name_of(value));
      return range != ranges_.end() && range->second.amax > 0 &&
             range->second.channel_amax.size() == channel_count() &&
             !constraints.ranges.contains(name_of(value));
    });
  }

  /// Factors of least expected error; empty where the ranges as they are do as well.
  std::vector<double> choose_factors() const {
    std::vector<double> best;
    double least = expected_error({});
    for (double exponent : {0.25, 0.5, 0.75, 1.0}) {
      std::vector<double> factors = factors_for(exponent);
      const double error = expected_error(factors);
      if (!(error < least)) continue;
      least = error;
      best = std::move(factors);
    }
    return best;
  }

  void apply(const std::vector<double>& factors) {
    for (NodeId writer : group_.writers) {
      for (std::size_t i = 1; i < graph_.node(writer).inputs.size(); ++i) {
        if (graph_.node(writer).inputs[i] == ir::kNoValue) continue;
        // Weights have an output channel an element, a bias one a channel.
        replace_constant(writer, i, [&](std::size_t element, double v) {
          return v / factors[i == 1 ? output_channel(graph_, writer, element) : element];
        });
      }
    }
    for (NodeId reader : group_.readers) {
      replace_constant(reader, 1, [&](std::size_t element, double v) {
        return v * factors[input_channel(graph_, reader, element)];
      });
    }
    for (ValueId value : group_.values) rename(value, factors);
  }

 private:
  const std::string& name_of(ValueId value) const { return graph_.value(value).name; }
  const ValueRange& range_of(ValueId value) const { return ranges_.at(name_of(value)); }
  std::size_t channel_count() const { return static_cast<std::size_t>(group_.channels); }

  std::vector<double> factors_for(double exponent) const {
    std::vector<double> share(channel_count(), 0.0);
    for (NodeId reader : group_.readers) {
      const ValueRange& range = range_of(graph_.node(reader).inputs[0]);
      for (std::size_t c = 0; c < share.size(); ++c) {
        share[c] = std::max(share[c], range.channel_amax[c] / range.amax);
      }
    }
    for (double& factor : share) factor = std::max(std::pow(factor, exponent), kSmallestFactor);
    return share;
  }

  /// Largest magnitude of any channel behind the division; without factors, the range as it is.
  double threshold_with(const ValueRange& range, const std::vector<double>& factors) const {
    if (factors.empty()) return range.threshold;
    double largest = 0;
    for (std::size_t c = 0; c < factors.size(); ++c) {
      largest = std::max(largest, range.channel_amax[c] / factors[c]);
    }
    return largest;
  }

  /// Noise at the readers' outputs relative to their signal, summed: every product of a rounded
  /// activation (a twelfth of its step squared) with its weight, and of a rounded weight with its
  /// activation. The twelfths cancel.
  double expected_error(const std::vector<double>& factors) const {
    double error = 0;
    for (NodeId reader : group_.readers) error += expected_error(reader, factors);
    return error;
  }

  double expected_error(NodeId reader, const std::vector<double>& factors) const {
    const ValueRange& range = range_of(graph_.node(reader).inputs[0]);
    const auto weights = graph_.value(graph_.node(reader).inputs[1]).constant->values<float>();
    const double step = threshold_with(range, factors) / kSteps;
    const auto factor = [&](std::size_t c) { return factors.empty() ? 1.0 : factors[c]; };
    std::vector<double> largest, activation_power, noise, signal;  // per output channel
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const std::size_t c = input_channel(graph_, reader, i);
      const std::size_t row = output_channel(graph_, reader, i);
      if (row >= largest.size()) {
        largest.resize(row + 1, 0.0);
        activation_power.resize(row + 1, 0.0);
        noise.resize(row + 1, 0.0);
        signal.resize(row + 1, 0.0);
      }
      const double weight = std::fabs(static_cast<double>(weights[i]) * factor(c));
      const double deviation = range.channel_amax[c] / factor(c) / kDeviationsInRange;
      noise[row] += step * step * weight * weight;
      signal[row] += weight * weight * deviation * deviation;
      largest[row] = std::max(largest[row], weight);
      activation_power[row] += deviation * deviation;
    }
    double error = 0;
    for (std::size_t row = 0; row < largest.size(); ++row) {
      const double weight_step = largest[row] / kSteps;
      noise[row] += weight_step * weight_step * activation_power[row];
      if (signal[row] > 0) error += noise[row] / signal[row];
    }
    return error / static_cast<double>(std::max<std::size_t>(largest.size(), 1));
  }

  template <typename Function>
  void replace_constant(NodeId node, std::size_t input, const Function& function) {
    const ir::Value& old = graph_.value(graph_.node(node).inputs[input]);
    Tensor tensor = old.constant->clone();
    const std::span<float> values = tensor.values<float>();
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = static_cast<float>(function(i, static_cast<double>(values[i])));
    }
    const std::string name = graph_.unique_name(old.name + std::string(kSuffix));
    const ValueId replacement = graph_.add_constant(name, std::move(tensor));
    graph_.node(node).inputs[input] = replacement;
  }

  void rename(ValueId value, const std::vector<double>& factors) {
    ValueRange equalised;
    equalised.amax = equalised.threshold = threshold_with(range_of(value), factors);
    equalised.min = -equalised.amax;
    graph_.rename_value(value, name_of(value) + std::string(kSuffix));
    ranges_[name_of(value)] = std::move(equalised);
  }

  Graph& graph_;
  const ChannelGroup& group_;
  RangeMap& ranges_;
};

}  // namespace

std::string name_before_equalising(const std::string& name) {
  const bool equalised = name.size() > kSuffix.size() && name.ends_with(kSuffix);
  return equalised ? name.substr(0, name.size() - kSuffix.size()) : name;
}

void equalise_channels(Graph& graph, RangeMap& ranges, const ir::Constraints& constraints) {
  for (const ChannelGroup& group : find_channel_groups(graph)) {
    Equalisation equalisation(graph, group, ranges);
    if (!equalisation.is_known(constraints)) continue;
    const std::vector<double> factors = equalisation.choose_factors();
    if (!factors.empty()) equalisation.apply(factors);
  }
}

}  // namespace xinfer::passes
