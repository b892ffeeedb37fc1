// Calibrators that keep a share of the values: MinMax, percentile and legacy.
#include <algorithm>
#include <cmath>
#include <vector>

#include "calibrate/calibrators.h"

namespace xinfer::calibrate {
namespace {

constexpr std::size_t kRegressionBins = 2048;

/// The magnitude that `share` of all values do not exceed, uniform within a bin; 0 among zeros.
double magnitude_at(const quant::Histogram& histogram, double share) {
  const double target = share * static_cast<double>(histogram.count());
  double seen = static_cast<double>(histogram.zeros() + histogram.tiny());
  if (target <= seen) return 0.0;
  const double amax = histogram.amax();
  for (const quant::Bin& bin : histogram.bins()) {
    const double count = static_cast<double>(bin.count);
    if (seen + count >= target) {
      const double high = std::min(bin.high, amax);
      return bin.low + (high - bin.low) * (target - seen) / count;
    }
    seen += count;
  }
  return amax;
}

/// Where the least-squares line through (bin centre, log count) of the non-empty bins below
/// `limit` reaches log 1 = 0; `amax` if it does not fall.
double fitted_end(std::span<const double> counts, double amax, double limit) {
  const double width = amax / static_cast<double>(counts.size());
  double n = 0, sum_x = 0, sum_y = 0, sum_xx = 0, sum_xy = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double x = (static_cast<double>(i) + 0.5) * width;
    if (x > limit) break;
    if (counts[i] <= 0.0) continue;
    const double y = std::log(counts[i]);
    n += 1;
    sum_x += x;
    sum_y += y;
    sum_xx += x * x;
    sum_xy += x * y;
  }
  const double determinant = n * sum_xx - sum_x * sum_x;
  if (!(determinant > 0.0)) return amax;
  const double slope = (n * sum_xy - sum_x * sum_y) / determinant;
  if (!(slope < 0.0)) return amax;
  const double at_zero = (sum_y - slope * sum_x) / n;
  const double end = -at_zero / slope;
  return end > 0.0 ? std::min(end, amax) : amax;
}

}  // namespace

double minmax_threshold(const quant::Histogram& histogram) { return histogram.amax(); }

double percentile_threshold(const quant::Histogram& histogram, double percent) {
  if (percent >= 100.0) return histogram.amax();
  const double threshold = magnitude_at(histogram, percent / 100.0);
  return threshold > 0.0 ? threshold : histogram.amax();
}

double legacy_threshold(const quant::Histogram& histogram, double quantile, double cutoff) {
  if (cutoff >= 1.0) return percentile_threshold(histogram, 100.0 * quantile);
  const double amax = histogram.amax();
  if (amax == 0.0) return 0.0;
  const std::vector<double> counts = quant::resample(histogram.bins(), amax, kRegressionBins);
  return fitted_end(counts, amax, cutoff * amax);
}

double clip_share(const quant::Histogram& histogram, double threshold) {
  double clipped = 0.0;
  const double amax = histogram.amax();
  if (threshold >= amax) return 0.0;
  for (const quant::Bin& bin : histogram.bins()) {
    const double high = std::min(bin.high, amax);
    if (high <= threshold) continue;
    const double part = bin.low >= threshold ? 1.0 : (high - threshold) / (high - bin.low);
    clipped += part * static_cast<double>(bin.count);
  }
  return clipped / static_cast<double>(histogram.count());
}

double threshold_of(const quant::Histogram& histogram, const CalibratorOptions& options,
                    DType grid) {
  switch (options.algorithm) {
    case Algorithm::kEntropy2:
    case Algorithm::kEntropy:
      return entropy_threshold(histogram);
    case Algorithm::kPercentile:
      return percentile_threshold(histogram, options.percentile);
    case Algorithm::kMse:
      return mse_threshold(histogram, grid);
    case Algorithm::kLegacy:
      return legacy_threshold(histogram, options.quantile, options.cutoff);
    case Algorithm::kMinMax:
    case Algorithm::kAuto:
      break;
  }
  return minmax_threshold(histogram);
}

}  // namespace xinfer::calibrate
