// Logarithmic bins to equal ones.
#include <algorithm>
#include <cmath>

#include "quant/histogram.h"

namespace xinfer::quant {
namespace {

/// Spreads `mass`, uniform over [low, high) in units of target bins, over the bins it covers.
void spread(double low, double high, double mass, std::vector<double>* target) {
  const double last = static_cast<double>(target->size() - 1);
  const std::size_t first_bin = static_cast<std::size_t>(std::clamp(std::floor(low), 0.0, last));
  const std::size_t last_bin = static_cast<std::size_t>(std::clamp(std::ceil(high) - 1, 0.0, last));
  if (first_bin >= last_bin) {
    (*target)[first_bin] += mass;
    return;
  }
  const double density = mass / (high - low);
  for (std::size_t bin = first_bin; bin <= last_bin; ++bin) {
    const double from = std::max(low, static_cast<double>(bin));
    const double to = std::min(high, static_cast<double>(bin + 1));
    (*target)[bin] += density * (to - from);
  }
}

}  // namespace

std::vector<double> resample(std::span<const Bin> bins, double amax, std::size_t count) {
  std::vector<double> target(count);
  const double per_unit = static_cast<double>(count) / amax;
  for (const Bin& bin : bins) {
    // No value lies above amax, so neither does the mass of the bin that holds it.
    const double high = std::min(bin.high, amax);
    spread(bin.low * per_unit, high * per_unit, static_cast<double>(bin.count), &target);
  }
  return target;
}

}  // namespace xinfer::quant
