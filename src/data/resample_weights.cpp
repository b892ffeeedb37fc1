// Filter kernels and their sampling. The positions follow Pillow's Resample.c, whose results these
// weights reproduce.
#include "data/resample_weights.h"

#include <algorithm>
#include <cmath>

namespace xinfer {
namespace {

double triangle(double x) { return std::max(0.0, 1.0 - std::abs(x)); }

/// Keys (1981), cubic convolution with a = -0.5.
double cubic(double x) {
  constexpr double kA = -0.5;
  x = std::abs(x);
  if (x < 1) return ((kA + 2) * x - (kA + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * kA;
  return 0;
}

double evaluate(ResizeFilter filter, double x) {
  return filter == ResizeFilter::kBilinear ? triangle(x) : cubic(x);
}

double radius(ResizeFilter filter) { return filter == ResizeFilter::kBilinear ? 1 : 2; }

}  // namespace

ResampleWeights<double> resample_weights(int in_size, int out_size, ResizeFilter filter, int begin,
                                         int count) {
  const double scale = static_cast<double>(in_size) / out_size;
  const double widening = std::max(scale, 1.0);
  const double support = radius(filter) * widening;
  ResampleWeights<double> result;
  result.taps = static_cast<int>(std::ceil(support)) * 2 + 2;
  result.firsts.resize(static_cast<std::size_t>(count));
  result.counts.resize(static_cast<std::size_t>(count));
  result.weights.resize(static_cast<std::size_t>(count) * static_cast<std::size_t>(result.taps));
  const double inverse = 1.0 / widening;
  for (int i = 0; i < count; ++i) {
    const double center = (begin + i + 0.5) * scale;
    const int first = std::max(0, static_cast<int>(std::floor(center - support + 0.5)));
    const int last = std::min(in_size, static_cast<int>(std::floor(center + support + 0.5)));
    double* weights =
        &result.weights[static_cast<std::size_t>(i) * static_cast<std::size_t>(result.taps)];
    double sum = 0;
    for (int k = 0; k < last - first; ++k) {
      weights[k] = evaluate(filter, (k + first - center + 0.5) * inverse);
      sum += weights[k];
    }
    for (int k = 0; k < last - first && sum != 0; ++k) weights[k] /= sum;
    result.firsts[static_cast<std::size_t>(i)] = first;
    result.counts[static_cast<std::size_t>(i)] = last - first;
  }
  return result;
}

ResampleWeights<std::int32_t> fixed_point(const ResampleWeights<double>& weights) {
  ResampleWeights<std::int32_t> result{weights.taps, weights.firsts, weights.counts, {}};
  result.weights.reserve(weights.weights.size());
  for (const double weight : weights.weights) {
    result.weights.push_back(static_cast<std::int32_t>(std::round(weight * (1 << kWeightBits))));
  }
  return result;
}

}  // namespace xinfer
