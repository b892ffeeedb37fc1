// Expected squared error of quantise-dequantise over a histogram, and the threshold of its minimum.
#include <algorithm>
#include <cmath>
#include <vector>

#include "calibrate/calibrators.h"
#include "quant/quantize.h"

namespace xinfer::calibrate {
namespace {

/// A magnitude that stands for its bin. A bin is at most 2^-11 of its value wide, an eighth of the
/// finest step that its values can be rounded to.
struct Mass {
  double magnitude;
  double count;
};

std::vector<Mass> masses_of(const quant::Histogram& histogram) {
  std::vector<Mass> masses;
  const double amax = histogram.amax();
  for (const quant::Bin& bin : histogram.bins()) {
    masses.push_back({0.5 * (bin.low + std::min(bin.high, amax)), static_cast<double>(bin.count)});
  }
  return masses;
}

/// x rounded half even, for |x| < 2^51: the sum's last bit is worth 1.
double round_small(double x) {
  constexpr double kMagic = 6755399441055744.0;  // 1.5 * 2^52
  return (x + kMagic) - kMagic;
}

/// Sums of squared errors; the masses ascend. Zeros and tiny values have none worth counting.
ExpectedError squared_error(const std::vector<Mass>& masses, double threshold, DType grid) {
  const double step = threshold / quant::limits_of(grid).max;
  const double per_step = 1.0 / step;
  const auto clipped = std::partition_point(
      masses.begin(), masses.end(), [=](const Mass& m) { return m.magnitude <= threshold; });
  ExpectedError sum;
  for (auto m = masses.begin(); m != clipped; ++m) {
    const double error = m->magnitude - round_small(m->magnitude * per_step) * step;
    sum.rounding += m->count * error * error;
  }
  for (auto m = clipped; m != masses.end(); ++m) {
    const double error = m->magnitude - threshold;
    sum.clipping += m->count * error * error;
  }
  return sum;
}

double total_error(const std::vector<Mass>& masses, double threshold, DType grid) {
  const ExpectedError error = squared_error(masses, threshold, grid);
  return error.rounding + error.clipping;
}

/// The best of `center` * 2^(i * step) for i in [-before, after], not above `limit`; the largest of
/// equals.
double best_on_grid(const std::vector<Mass>& masses, DType grid, double center, double step,
                    int before, int after, double limit) {
  double best = center;
  double least = total_error(masses, center, grid);
  for (int i = after; i >= -before; --i) {
    const double threshold = center * std::exp2(i * step);
    if (threshold > limit || i == 0) continue;
    const double error = total_error(masses, threshold, grid);
    if (error < least || (error == least && threshold > best)) {
      least = error;
      best = threshold;
    }
  }
  return best;
}

}  // namespace

ExpectedError expected_error(const quant::Histogram& histogram, double threshold, DType grid) {
  if (histogram.count() == 0 || threshold <= 0.0) return {};
  ExpectedError error = squared_error(masses_of(histogram), threshold, grid);
  error.rounding /= static_cast<double>(histogram.count());
  error.clipping /= static_cast<double>(histogram.count());
  return error;
}

double clipped_power_share(const quant::Histogram& histogram, double threshold) {
  double power = 0, clipped = 0;
  for (const Mass& m : masses_of(histogram)) {
    const double excess = std::max(m.magnitude - threshold, 0.0);
    power += m.count * m.magnitude * m.magnitude;
    clipped += m.count * excess * excess;
  }
  return power > 0 ? clipped / power : 0;
}

double mse_threshold(const quant::Histogram& histogram, DType grid) {
  const std::vector<Mass> masses = masses_of(histogram);
  const double amax = histogram.amax();
  if (masses.empty()) return amax;
  // Twelve octaves by eighths, then the neighbourhood by 64ths and by 512ths of an octave.
  double best = best_on_grid(masses, grid, amax, 1.0 / 8, 96, 0, amax);
  best = best_on_grid(masses, grid, best, 1.0 / 64, 8, 8, amax);
  return best_on_grid(masses, grid, best, 1.0 / 512, 8, 8, amax);
}

}  // namespace xinfer::calibrate
