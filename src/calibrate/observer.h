// The collecting side of calibration: gathers a histogram per value while a float plan runs, then
// turns them into Ranges. Memory is bounded: 256 KiB a value, whatever the number of samples.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "calibrate/options.h"
#include "calibrate/race.h"
#include "calibrate/ranges.h"
#include "core/status.h"
#include "core/thread_pool.h"

namespace xinfer::calibrate {

/// Scores a candidate range of the named value; less is better. Called from several threads if a
/// pool is given.
using ValueScore = std::function<double(const std::string& value, const Candidate&)>;

struct Calibration {
  Ranges ranges;
  std::vector<std::string> warnings;  ///< sentences, in the order of the values
};

class RangeCollector {
 public:
  /// Announces a value before it is added: its grid (kUInt8 if the graph proves it >= 0), and
  /// whether it is a network input. Undeclared values are s8 and inner. Ranges come out in the
  /// order of declaration (else of the first `add`).
  void declare(std::string_view name, DType grid, bool network_input);

  /// Has the largest magnitude of every channel kept as well, for a declared value whose last axis
  /// has `channels` entries.
  void observe_channels(std::string_view name, std::int64_t channels);

  /// Counts `values`: the value of `samples` samples, numbered from `first_sample`. A short last
  /// batch passes its true size. Different values may be added from different threads at once, the
  /// same value by one at a time. The same samples in any order, batches, threads or shards give
  /// the same ranges.
  void add(std::string_view name, std::span<const float> values, std::int64_t first_sample,
           std::int64_t samples = 1);

  /// Counts what was observed elsewhere. `channel_amax` has the declared channels, or none.
  void add(std::string_view name, const quant::Histogram& observed,
           std::span<const float> channel_amax);

  /// Fails (invalid_argument) if NaN or infinity was seen: names the value and the first sample.
  Status data_status() const;

  /// Ends the collection: chooses every value's range and moves the histograms into the result.
  /// `data` identifies the samples. Fails if data_status() does, if there was no sample, or if a
  /// declared value was never added or a kUInt8 one was negative. Warns of fewer than 100 samples,
  /// of values that are all zero or constant, and of ranges that cost more than four times the
  /// squared error of MinMax. `score` serves kAuto; without it the histogram decides.
  Result<Calibration> finish(const CalibratorOptions& options, std::string model_hash,
                             const DataIdentity& data, ThreadPool* pool = nullptr,
                             const ValueScore& score = {});

  /// Null if the value was never declared or added.
  const quant::Histogram* histogram(std::string_view name) const;

 private:
  struct Observed {
    std::string name;
    DType grid = DType::kInt8;
    bool network_input = false;
    bool added = false;
    std::vector<float> channel_amax;  ///< empty unless channels are observed
    std::shared_ptr<quant::Histogram> histogram = std::make_shared<quant::Histogram>();
  };
  Observed& entry(std::string_view name);
  Status check_complete(const DataIdentity& data) const;

  mutable std::mutex mutex_;     // guards the two below, not the histograms
  std::deque<Observed> values_;  // stable addresses
  std::unordered_map<std::string, Observed*> index_;
};

}  // namespace xinfer::calibrate
