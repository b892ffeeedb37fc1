// Calibrators: pure functions from the histogram of |x| to a threshold T. Values beyond T saturate;
// the s8 scale is T / 127, the u8 scale T / 255. docs/numerics.md, "Calibrators".
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "calibrate/options.h"
#include "quant/histogram.h"
#include "xinfer/core/dtype.h"

namespace xinfer::calibrate {

/// The largest magnitude.
double minmax_threshold(const quant::Histogram& histogram);

/// TensorRT's entropy calibration: of the first k of 2,048 equal bins, k = 128 … 2048, those whose
/// 128-level form diverges least; T = (k + 0.5) * amax / 2048. Zeros and other point masses do not
/// enter, and no point mass is clipped. Entropy(1) has the same arithmetic.
double entropy_threshold(const quant::Histogram& histogram);

/// The magnitude that `percent` % of all values, zeros included, do not exceed; amax where that
/// magnitude would be zero.
double percentile_threshold(const quant::Histogram& histogram, double percent);

/// The threshold of least expected squared error on the `grid` (kInt8 or kUInt8), to 0.2 % of T.
double mse_threshold(const quant::Histogram& histogram, DType grid);

/// For scripts with a legacy calibrator. cutoff = 1: the quantile. Else the logarithm of the counts
/// of [0, cutoff * amax] is fitted with a line, and T is where it predicts one value a bin.
double legacy_threshold(const quant::Histogram& histogram, double quantile, double cutoff);

/// Any algorithm but kAuto, which is a race (race.h).
double threshold_of(const quant::Histogram& histogram, const CalibratorOptions& options,
                    DType grid);

/// Mean squared error of quantise-dequantise over all observed values, in the histogram's
/// resolution: of values up to `threshold`, and of those beyond it.
struct ExpectedError {
  double rounding = 0.0;
  double clipping = 0.0;
};
ExpectedError expected_error(const quant::Histogram& histogram, double threshold, DType grid);

/// Share of the values' power (their squares) that saturation at `threshold` takes away as noise.
double clipped_power_share(const quant::Histogram& histogram, double threshold);

/// Share of all values that lie beyond `threshold`.
double clip_share(const quant::Histogram& histogram, double threshold);

/// The search of entropy_threshold: the kept bins k with the least KL(P || Q), the larger of two
/// equals; `histogram` has more than 128 bins. P is the first k bins with the mass of the rest
/// added to the last; Q those bins merged to 128 levels and spread over P's non-empty ones.
std::size_t least_divergence_bins(std::span<const double> histogram);

}  // namespace xinfer::calibrate
