// Entropy calibration. The arithmetic was decoded from published TensorRT caches: their thresholds
// are (k + 0.5) / 2048 of the largest value, k up to and including 2048 ("prob: 3c010a14" of a
// softmax is 2048.5 / 2048 / 127).
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "calibrate/calibrators.h"
#include "calibrate/point_mass.h"

namespace xinfer::calibrate {
namespace {

constexpr std::size_t kBins = 2048;
constexpr std::size_t kLevels = 128;

double plogp(double p) { return p > 0.0 ? p * std::log(p) : 0.0; }

/// KL(P || Q) for every k, from prefix sums: within a level all whole bins share one Q, so a k
/// costs two logarithms a level instead of one a bin.
class Divergence {
 public:
  explicit Divergence(std::span<const double> histogram);

  /// Infinite where Q is zero and P is not.
  double operator()(std::size_t kept) const;

 private:
  struct Level {
    std::size_t whole_begin;  // whole bins [whole_begin, whole_end)
    std::size_t whole_end;
    double left;   // share of bin whole_begin - 1 that belongs to the level
    double right;  // share of bin whole_end that does
  };
  Level level_of(std::size_t index, std::size_t kept) const;
  double level_value(const Level& level, bool last_bin_only_in_p) const;

  std::vector<double> share_;        // of the whole mass, per bin
  std::vector<double> mass_;         // prefix sums of share_
  std::vector<double> self_;         // prefix sums of plogp(share_)
  std::vector<std::size_t> filled_;  // prefix counts of non-empty bins
};

Divergence::Divergence(std::span<const double> histogram)
    : share_(histogram.begin(), histogram.end()), mass_(1), self_(1), filled_(1) {
  double total = 0.0;
  for (double count : histogram) total += count;
  for (double& share : share_) {
    share /= total;
    mass_.push_back(mass_.back() + share);
    self_.push_back(self_.back() + plogp(share));
    filled_.push_back(filled_.back() + (share > 0.0));
  }
}

/// Level `index` of 128 over [0, kept) covers [index, index + 1) * kept / 128; kept >= 128, so it
/// holds at least one bin's width, and all shares are exact.
Divergence::Level Divergence::level_of(std::size_t index, std::size_t kept) const {
  const std::size_t begin = index * kept;
  const std::size_t end = begin + kept;
  Level level;
  level.whole_begin = (begin + kLevels - 1) / kLevels;
  level.whole_end = end / kLevels;
  level.left = static_cast<double>(level.whole_begin * kLevels - begin) / kLevels;
  level.right = static_cast<double>(end - level.whole_end * kLevels) / kLevels;
  return level;
}

/// Q of the level's bins: its mass over the number of P's non-empty bins in it.
double Divergence::level_value(const Level& level, bool last_bin_only_in_p) const {
  double filled = static_cast<double>(filled_[level.whole_end] - filled_[level.whole_begin]);
  double mass = filled > 0.0 ? mass_[level.whole_end] - mass_[level.whole_begin] : 0.0;
  const auto add_part = [&](double part, std::size_t bin) {
    if (part == 0.0 || share_[bin] == 0.0) return;
    mass += part * share_[bin];
    filled += part;
  };
  add_part(level.left, level.whole_begin - 1);
  add_part(level.right, level.whole_end);
  if (last_bin_only_in_p) filled += 1.0;
  if (filled == 0.0 || (mass <= 0.0 && last_bin_only_in_p)) return 0.0;
  // A difference of prefix sums may lose a mass of 1e-16, which must still have a logarithm.
  return std::max(mass, std::numeric_limits<double>::min()) / filled;
}

double Divergence::operator()(std::size_t kept) const {
  const double kept_mass = mass_[kept];
  const double tail = std::max(mass_.back() - kept_mass, 0.0);
  const double last = share_[kept - 1] + (kept < share_.size() ? tail : 0.0);
  const bool last_bin_only_in_p = share_[kept - 1] == 0.0 && last > 0.0;
  if (kept_mass <= 0.0) return std::numeric_limits<double>::infinity();

  double cross = 0.0;  // sum of P log Q, Q not yet normalised
  double previous_value = 0.0;
  Level previous{};
  for (std::size_t index = 0; index < kLevels; ++index) {
    const Level level = level_of(index, kept);
    const bool is_last = index + 1 == kLevels;
    const double value = level_value(level, is_last && last_bin_only_in_p);
    if (index > 0 && previous.right > 0.0 && share_[previous.whole_end] > 0.0) {
      const double q = previous.right * previous_value + level.left * value;
      cross += share_[previous.whole_end] * std::log(q);
    }
    double p = mass_[level.whole_end] - mass_[level.whole_begin];
    if (is_last) {
      p = mass_[kept - 1] - mass_[level.whole_begin] + last;
      if (value == 0.0 && last > 0.0) return std::numeric_limits<double>::infinity();
    }
    if (value > 0.0 && p > 0.0) cross += p * std::log(value);
    previous = level;
    previous_value = value;
  }
  return self_[kept - 1] + plogp(last) - cross + std::log(kept_mass);
}

}  // namespace

std::size_t least_divergence_bins(std::span<const double> histogram) {
  const Divergence divergence(histogram);
  std::size_t best = histogram.size();
  double least = divergence(best);
  for (std::size_t kept = histogram.size() - 1; kept >= kLevels; --kept) {
    const double found = divergence(kept);
    if (found >= least) continue;
    least = found;
    best = kept;
  }
  return best;
}

double entropy_threshold(const quant::Histogram& histogram) {
  const double amax = histogram.amax();
  const SmoothDistribution smooth = without_point_masses(histogram.bins());
  if (smooth.bins.empty()) return amax;
  const std::vector<double> bins = quant::resample(smooth.bins, amax, kBins);
  const double kept = static_cast<double>(least_divergence_bins(bins));
  const double threshold = (kept + 0.5) * amax / static_cast<double>(kBins);
  return std::max(threshold, std::min(smooth.highest_point_mass, amax));
}

}  // namespace xinfer::calibrate
