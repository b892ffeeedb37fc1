#include "calibrate/race.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "calibrate/calibrators.h"

namespace xinfer::calibrate {
namespace {

constexpr double kSameThreshold = 1e-3;
constexpr double kClippingWeight = 4.0;

// Entropy(1) and legacy propose nothing that Entropy2 and the percentiles do not.
std::vector<CalibratorOptions> contestants() {
  std::vector<CalibratorOptions> all;
  for (Algorithm algorithm : {Algorithm::kMinMax, Algorithm::kEntropy2, Algorithm::kMse}) {
    all.push_back({.algorithm = algorithm});
  }
  for (double percentile : {99.9, 99.99, 99.999}) {
    all.push_back({.algorithm = Algorithm::kPercentile, .percentile = percentile});
  }
  return all;
}

}  // namespace

std::vector<Candidate> candidates(const quant::Histogram& histogram, DType grid) {
  std::vector<Candidate> result;
  for (const CalibratorOptions& options : contestants()) {
    const double threshold = threshold_of(histogram, options, grid);
    const bool known = std::any_of(result.begin(), result.end(), [=](const Candidate& c) {
      return std::fabs(c.threshold - threshold) <= kSameThreshold * c.threshold;
    });
    if (!known) result.push_back({to_string(options), threshold});
  }
  return result;
}

Candidate choose_by_error(const std::vector<Candidate>& candidates, const Score& score) {
  const Candidate* best = &candidates.front();
  double least = std::numeric_limits<double>::infinity();
  for (const Candidate& candidate : candidates) {
    const double error = score(candidate);
    const bool clips_less = candidate.threshold > best->threshold;
    if (!(error < least || (error == least && clips_less))) continue;
    least = error;
    best = &candidate;
  }
  return *best;
}

double proxy_score(const quant::Histogram& histogram, const Candidate& candidate, DType grid) {
  const ExpectedError error = expected_error(histogram, candidate.threshold, grid);
  return error.rounding + kClippingWeight * error.clipping;
}

}  // namespace xinfer::calibrate
