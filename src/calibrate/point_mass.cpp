#include "calibrate/point_mass.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace xinfer::calibrate {
namespace {

constexpr double kMinimumShare = 0.01;
constexpr double kMinimumRatio = 16.0;
constexpr int kNeighboursEachSide = 16;
constexpr std::size_t kMostPointMasses = 8;

/// Mean count of the bins within kNeighboursEachSide bin widths of bins[i], empty ones included.
double neighbourhood(std::span<const quant::Bin> bins, std::size_t i) {
  const double width = bins[i].high - bins[i].low;
  const double from = bins[i].low - kNeighboursEachSide * width;
  const double to = bins[i].high + kNeighboursEachSide * width;
  std::uint64_t sum = 0;
  for (std::size_t j = i; j-- > 0 && bins[j].low >= from;) sum += bins[j].count;
  for (std::size_t j = i + 1; j < bins.size() && bins[j].high <= to; ++j) sum += bins[j].count;
  return static_cast<double>(sum) / (2 * kNeighboursEachSide);
}

}  // namespace

SmoothDistribution without_point_masses(std::span<const quant::Bin> bins) {
  SmoothDistribution smooth{{bins.begin(), bins.end()}, 0.0};
  double total = 0.0;
  for (const quant::Bin& bin : bins) total += static_cast<double>(bin.count);

  std::size_t found = 0;
  for (std::size_t i = 0; i + 1 < bins.size(); ++i) {
    const double count = static_cast<double>(bins[i].count);
    if (count < kMinimumShare * total) continue;
    const double around = neighbourhood(bins, i);
    if (count < kMinimumRatio * around) continue;
    smooth.bins[i].count = static_cast<std::uint64_t>(std::lround(around));
    smooth.highest_point_mass = bins[i].high;
    ++found;
  }
  if (found > kMostPointMasses) return {{bins.begin(), bins.end()}, 0.0};
  return smooth;
}

}  // namespace xinfer::calibrate
