#include "calibrate/observer.h"

#include <algorithm>
#include <utility>

#include "calibrate/calibrators.h"
#include "calibrate/choose_range.h"

namespace xinfer::calibrate {
namespace {

constexpr std::uint64_t kEnoughSamples = 100;
constexpr double kCostlyFactor = 4.0;

double squared_error(const quant::Histogram& histogram, double threshold, DType grid) {
  const ExpectedError error = expected_error(histogram, threshold, grid);
  return error.rounding + error.clipping;
}

/// What a user should know about the range; empty if nothing.
std::string warning_about(const std::string& name, const ValueRange& range, Algorithm algorithm) {
  const quant::Histogram& histogram = *range.histogram;
  const Observation& observed = *range.observed;
  if (range.calibrator == "all zero") {
    return observed.amax == 0.0f
               ? fmt::format("value \"{}\" is zero in all samples; it gets scale 1", name)
               : fmt::format(
                     "value \"{}\" never exceeds {} in magnitude; it gets scale 1, so it "
                     "becomes zero",
                     name, observed.amax);
  }
  if (observed.min == observed.max) {
    return fmt::format("value \"{}\" is {} in all samples", name, observed.min);
  }
  if (algorithm == Algorithm::kAuto) return {};
  const double chosen = squared_error(histogram, range.threshold, range.grid);
  const double minmax = squared_error(histogram, observed.amax, range.grid);
  if (chosen <= kCostlyFactor * minmax) return {};
  return fmt::format(
      "{} clips value \"{}\" at {:.6g} of {:.6g} ({:.3g} % of its values), which costs {:.1f} "
      "times "
      "the squared error of minmax; consider --calibrator auto",
      range.calibrator, name, range.threshold, observed.amax, 100 * observed.clip_share,
      chosen / minmax);
}

}  // namespace

RangeCollector::Observed& RangeCollector::entry(std::string_view name) {
  const std::lock_guard<std::mutex> lock(mutex_);
  Observed*& found = index_[std::string(name)];
  if (found == nullptr) {
    found = &values_.emplace_back();
    found->name = name;
  }
  return *found;
}

void RangeCollector::declare(std::string_view name, DType grid, bool network_input) {
  Observed& value = entry(name);
  value.grid = grid;
  value.network_input = network_input;
}

void RangeCollector::observe_channels(std::string_view name, std::int64_t channels) {
  entry(name).channel_amax.assign(static_cast<std::size_t>(channels), 0.0f);
}

void RangeCollector::add(std::string_view name, std::span<const float> values,
                         std::int64_t first_sample, std::int64_t samples) {
  Observed& value = entry(name);
  value.added = true;
  value.histogram->observe(values, first_sample, samples);
  const std::size_t channels = value.channel_amax.size();
  for (std::size_t row = 0; channels > 0 && row + channels <= values.size(); row += channels) {
    for (std::size_t c = 0; c < channels; ++c) {
      value.channel_amax[c] = std::max(value.channel_amax[c], std::fabs(values[row + c]));
    }
  }
}

void RangeCollector::add(std::string_view name, const quant::Histogram& observed,
                         std::span<const float> channel_amax) {
  Observed& value = entry(name);
  value.added = true;
  value.histogram->merge(observed);
  for (std::size_t c = 0; c < std::min(channel_amax.size(), value.channel_amax.size()); ++c) {
    value.channel_amax[c] = std::max(value.channel_amax[c], channel_amax[c]);
  }
}

Status RangeCollector::data_status() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const Observed* first = nullptr;
  for (const Observed& value : values_) {
    const auto sample = value.histogram->first_bad_sample();
    if (!sample) continue;
    if (first == nullptr || *sample < *first->histogram->first_bad_sample()) first = &value;
  }
  if (first == nullptr) return Status();
  const quant::Histogram& histogram = *first->histogram;
  return invalid_argument(
      "value \"{}\" holds {} NaN and {} infinite among {} numbers, the first in sample {}; "
      "calibration needs finite data",
      first->name, histogram.nan_count(), histogram.infinity_count(),
      histogram.count() + histogram.nan_count() + histogram.infinity_count(),
      *histogram.first_bad_sample());
}

Status RangeCollector::check_complete(const DataIdentity& data) const {
  if (data.count == 0) {
    return invalid_argument("the calibration set is empty; it needs samples, best 100 to 500");
  }
  XINFER_RETURN_IF_ERROR(data_status());
  for (const Observed& value : values_) {
    if (!value.added) return internal_error("value \"{}\" was never observed", value.name);
    if (value.grid == DType::kUInt8 && value.histogram->has_negative()) {
      return internal_error("value \"{}\" was declared to be >= 0, but reached {}", value.name,
                            value.histogram->min());
    }
  }
  return Status();
}

Result<Calibration> RangeCollector::finish(const CalibratorOptions& options, std::string model_hash,
                                           const DataIdentity& data, ThreadPool* pool,
                                           const ValueScore& score) {
  XINFER_RETURN_IF_ERROR(check_complete(data));
  std::vector<ValueRange> chosen(values_.size());
  std::vector<std::string> warnings(values_.size());
  const auto choose = [&](std::size_t i) {
    Observed& value = values_[i];
    Score score_value;
    if (score) score_value = [&](const Candidate& c) { return score(value.name, c); };
    chosen[i] = choose_range(std::move(value.histogram), value.grid, value.network_input, options,
                             score_value);
    chosen[i].channel_amax = std::move(value.channel_amax);
    warnings[i] = warning_about(value.name, chosen[i], options.algorithm);
  };
  ThreadPool caller_only(1);
  (pool != nullptr ? *pool : caller_only).parallel_for(values_.size(), choose);

  Calibration result;
  result.ranges.model_hash = std::move(model_hash);
  result.ranges.data = data;
  result.ranges.algorithm = to_string(options);
  if (data.count < kEnoughSamples) {
    result.warnings.push_back(
        fmt::format("only {} calibration sample{}; {} or more give steadier ranges", data.count,
                    data.count == 1 ? "" : "s", kEnoughSamples));
  }
  for (std::size_t i = 0; i < values_.size(); ++i) {
    result.ranges.insert(std::move(values_[i].name), std::move(chosen[i]));
    if (!warnings[i].empty()) result.warnings.push_back(std::move(warnings[i]));
  }
  index_.clear();
  values_.clear();
  return result;
}

const quant::Histogram* RangeCollector::histogram(std::string_view name) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = index_.find(std::string(name));
  return found == index_.end() ? nullptr : found->second->histogram.get();
}

}  // namespace xinfer::calibrate
