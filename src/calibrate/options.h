// Which calibrator to use: `--calibrator
// auto|entropy2|entropy|minmax|percentile[:P]|mse|legacy[:Q:C]`.
#pragma once

#include <string>
#include <string_view>

#include "core/status.h"

namespace xinfer::calibrate {

enum class Algorithm { kAuto, kEntropy2, kEntropy, kMinMax, kPercentile, kMse, kLegacy };

struct CalibratorOptions {
  Algorithm algorithm = Algorithm::kAuto;
  double percentile = 99.99;  ///< kPercentile: share of the values to keep, in (0, 100]
  double quantile = 0.9999;   ///< kLegacy: share of the values to keep, in (0, 1]
  double cutoff = 1.0;        ///< kLegacy: share of the range to fit, in (0, 1]; 1 = no regression

  friend bool operator==(const CalibratorOptions&, const CalibratorOptions&) = default;
};

/// Reads the words of `--calibrator`, in any locale. Fails (invalid_argument) naming what is wrong.
Result<CalibratorOptions> parse_calibrator(std::string_view text);

/// The text that parses back to equal options: "percentile:99.99".
std::string to_string(const CalibratorOptions& options);

}  // namespace xinfer::calibrate
