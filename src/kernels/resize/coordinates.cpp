// Coordinate transformations and interpolation kernels of ONNX Resize.
#include "kernels/resize/coordinates.h"

#include <algorithm>
#include <cmath>

namespace xinfer::kernels {
namespace {

/// The input coordinate of output index i. `resized` is scale * in, which need not be an integer.
double coordinate(const ResizeAxis& axis, CoordinateMode mode, std::int64_t i) {
  const double x = static_cast<double>(i);
  const double in = static_cast<double>(axis.in);
  const double resized = axis.scale * in;
  switch (mode) {
    case CoordinateMode::kHalfPixel:
      return (x + 0.5) / axis.scale - 0.5;
    case CoordinateMode::kPytorchHalfPixel:
      return axis.out == 1 ? 0.0 : (x + 0.5) / axis.scale - 0.5;
    case CoordinateMode::kAlignCorners:
      return resized == 1.0 ? 0.0 : x * (in - 1) / (resized - 1);
    case CoordinateMode::kAsymmetric:
      return x / axis.scale;
    case CoordinateMode::kTfCropAndResize: {
      const double span = axis.roi_end - axis.roi_start;
      const double start = axis.roi_start * (in - 1);
      return start + (resized == 1.0 ? span * (in - 1) / 2 : x * span * (in - 1) / (resized - 1));
    }
    case CoordinateMode::kHalfPixelSymmetric: {
      const double adjustment = static_cast<double>(axis.out) / resized;
      return in / 2 * (1 - adjustment) + (x + 0.5) / axis.scale - 0.5;
    }
    case CoordinateMode::kTfHalfPixelForNn:
      break;
  }
  return (x + 0.5) / axis.scale;
}

bool extrapolates(const ResizeAxis& axis, CoordinateMode mode, double c) {
  return mode == CoordinateMode::kTfCropAndResize &&
         (c < 0 || c > static_cast<double>(axis.in - 1));
}

double round_nearest(NearestMode mode, double c) {
  switch (mode) {
    case NearestMode::kRoundPreferFloor:
      return std::ceil(c - 0.5);
    case NearestMode::kRoundPreferCeil:
      return std::floor(c + 0.5);
    case NearestMode::kFloor:
      return std::floor(c);
    case NearestMode::kCeil:
      break;
  }
  return std::ceil(c);
}

/// The triangle (linear) or Keys' kernel (cubic, R. Keys 1981) at distance d.
double kernel(const ResizeParameters& p, double d) {
  d = std::fabs(d);
  if (p.mode == ResizeMode::kLinear) return std::max(0.0, 1 - d);
  const double a = p.cubic_coefficient;
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  if (d < 2) return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  return 0;
}

}  // namespace

bool is_identity(const ResizeAxis& axis, CoordinateMode mode) {
  if (axis.in != axis.out || std::fabs(axis.scale - 1) > 1e-9) return false;
  return mode != CoordinateMode::kTfCropAndResize ||
         (std::fabs(axis.roi_start) < 1e-9 && std::fabs(axis.roi_end - 1) < 1e-9);
}

std::vector<std::int64_t> nearest_indices(const ResizeAxis& axis, const ResizeParameters& p) {
  std::vector<std::int64_t> indices;
  for (std::int64_t i = 0; i < axis.out; ++i) {
    const double c = coordinate(axis, p.coordinates, i);
    const auto index = static_cast<std::int64_t>(round_nearest(p.nearest, c));
    indices.push_back(extrapolates(axis, p.coordinates, c)
                          ? -1
                          : std::clamp<std::int64_t>(index, 0, axis.in - 1));
  }
  return indices;
}

ResizeTaps interpolation_taps(const ResizeAxis& axis, const ResizeParameters& p) {
  const double shrink = p.antialias ? std::min(axis.scale, 1.0) : 1.0;
  const double radius = p.mode == ResizeMode::kLinear ? 1 : 2;
  // Taps first … first + taps - 1 relative to floor(c), all that the kernel can reach.
  const auto first = static_cast<std::int64_t>(std::floor(-radius / shrink)) + 1;
  ResizeTaps result;
  result.taps = 2 - 2 * first;
  std::vector<double> weights(static_cast<std::size_t>(result.taps));
  for (std::int64_t i = 0; i < axis.out; ++i) {
    const double c = coordinate(axis, p.coordinates, i);
    const auto base = static_cast<std::int64_t>(std::floor(c));
    const double ratio = c - static_cast<double>(base);
    double sum = 0;
    for (std::int64_t k = 0; k < result.taps; ++k) {
      const std::int64_t index = base + first + k;
      const bool outside = index < 0 || index >= axis.in;
      const double distance = (static_cast<double>(first + k) - ratio) * shrink;
      const double weight = p.exclude_outside && outside ? 0 : kernel(p, distance);
      weights[static_cast<std::size_t>(k)] = weight;
      sum += weight;
      result.indices.push_back(std::clamp<std::int64_t>(index, 0, axis.in - 1));
    }
    const bool normalise = (p.antialias || p.exclude_outside) && sum != 0;
    for (double weight : weights) {
      result.weights.push_back(static_cast<float>(normalise ? weight / sum : weight));
    }
    result.extrapolated.push_back(extrapolates(axis, p.coordinates, c));
  }
  return result;
}

}  // namespace xinfer::kernels
