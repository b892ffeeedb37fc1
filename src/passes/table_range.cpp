#include "passes/table_range.h"

#include <algorithm>
#include <limits>

#include "quant/quantize.h"

namespace xinfer::passes {
namespace {

/// Points a side that the function is looked at: a sixteenth of an input step of the full range.
constexpr int kPoints = 127 * 16;

/// How far the outputs seen on one side lie apart, in steps of the output grid.
class Spread {
 public:
  /// True while all outputs lie within half a step of the last one.
  bool holds_with(double output) {
    low_ = std::min(low_, output);
    high_ = std::max(high_, output);
    return output - low_ <= 0.5 && high_ - output <= 0.5;
  }

 private:
  double low_ = std::numeric_limits<double>::infinity();
  double high_ = -std::numeric_limits<double>::infinity();
};

}  // namespace

double useful_table_range(const std::function<double(double)>& function, double threshold,
                          const quant::Encoding& output) {
  const quant::GridLimits limits = quant::limits_of(output.dtype);
  const auto steps_at = [&](double x) {
    return std::clamp(function(x) / static_cast<double>(output.scale),
                      static_cast<double>(limits.min), static_cast<double>(limits.max));
  };
  Spread positive, negative;
  for (int point = kPoints; point > 0; --point) {
    const double x = threshold * point / kPoints;
    if (!positive.holds_with(steps_at(x)) || !negative.holds_with(steps_at(-x))) {
      return threshold * std::min(point + 1, kPoints) / kPoints;
    }
  }
  return threshold;
}

}  // namespace xinfer::passes
