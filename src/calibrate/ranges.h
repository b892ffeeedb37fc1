// What calibration learned: a threshold per value, with what was observed. The content of a
// calibration cache, whatever its form.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/status.h"
#include "quant/histogram.h"
#include "xinfer/core/dtype.h"

namespace xinfer::calibrate {

/// What the samples held. Absent where a range came from a TensorRT cache or was set by hand.
struct Observation {
  float amax = 0.0f;
  float min = 0.0f;
  float max = 0.0f;
  double clip_share = 0.0;  ///< share of all values beyond the threshold

  friend bool operator==(const Observation&, const Observation&) = default;
};

struct ValueRange {
  double threshold = 0.0;     ///< T; magnitudes beyond it saturate
  std::string calibrator{};   ///< which one chose it: "minmax", "percentile:99.99", …
  DType grid = DType::kInt8;  ///< the grid it was chosen for: kUInt8 if known to be >= 0
  bool network_input = false;
  std::optional<Observation> observed{};
  /// Noise power over signal power that the threshold causes: measured by `auto` at the output of
  /// the layers that read the value; for a calibrator that clips, in the value itself, by clipping.
  std::optional<double> output_error{};
  /// Largest magnitude of every channel, where equalisation may want it; else empty.
  std::vector<float> channel_amax{};
  std::shared_ptr<const quant::Histogram> histogram{};  ///< may be null

  /// fl32(T / 127), what builds use and TensorRT's cache stores.
  float scale() const;
  /// False for the zero, infinite and NaN scales that some TensorRT caches hold; such a value
  /// counts as missing.
  bool usable() const;
};

/// Which samples were seen. The hash is a sum over samples, so it depends on no order and the
/// identities of disjoint parts add up.
struct DataIdentity {
  std::uint64_t count = 0;
  std::uint64_t hash = 0;

  /// `sample` is the sample's bytes as the network receives them.
  void add(std::span<const std::byte> sample);
  void add(const DataIdentity& part);

  friend bool operator==(const DataIdentity&, const DataIdentity&) = default;
};

/// Where a Ranges came from: decides how strictly it must fit the graph.
enum class RangeOrigin { kCalibration, kTensorRt };

/// Value name -> range, in the order of insertion (a cache's line order).
class Ranges {
 public:
  RangeOrigin origin = RangeOrigin::kCalibration;
  std::string model_hash;    ///< empty if unknown (TensorRT caches)
  DataIdentity data;         ///< zero if unknown
  std::string algorithm;     ///< as calibrate::to_string(CalibratorOptions) gives it
  int tensorrt_version = 0;  ///< number in the header of a TensorRT cache; 0: none was read

  /// False, and nothing changed, if the name is already there.
  bool insert(std::string name, ValueRange range);
  /// Null if the value has no range. Valid until the next insert.
  const ValueRange* find(std::string_view name) const;
  ValueRange* find(std::string_view name);

  std::size_t size() const { return entries_.size(); }
  const std::vector<std::pair<std::string, ValueRange>>& entries() const { return entries_; }

 private:
  std::vector<std::pair<std::string, ValueRange>> entries_;
  std::unordered_map<std::string, std::size_t> index_;
};

/// `--cache-mismatch`.
enum class CacheMismatch { kRefuse, kPartial };

/// How a cache fits a graph whose values it may be used for.
struct RangeMatch {
  std::vector<std::string> missing;  ///< graph values without a usable range, in graph order
  std::vector<std::string> unknown;  ///< cache values the graph does not have, in cache order
  std::vector<std::string> notes;    ///< sentences for the log and the report
};

/// Compares `ranges` with the graph's value names. Our own caches must be of the same model and
/// have the same values, else fails (invalid_argument) naming the differences, unless `policy` is
/// kPartial. TensorRT's caches have no model hash and name values of its own: unknown ones are
/// noted, missing ones leave their layers out of INT8. No common value at all always fails.
Result<RangeMatch> match_ranges(const Ranges& ranges, std::span<const std::string> value_names,
                                std::string_view model_hash, CacheMismatch policy);

/// Adds up calibrations of the same model over disjoint sets of samples: histograms and data
/// identities are added exactly, thresholds chosen anew by the common algorithm. The result is
/// that of one calibration over all samples, save that `auto` scores by histogram. Fails
/// (invalid_argument) if model, algorithm or values differ or a histogram is missing.
Result<Ranges> merge_ranges(std::span<const Ranges> parts);

}  // namespace xinfer::calibrate
