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

TableRange useful_table_range(const std::function<double(double)>& function, double threshold,
                              const quant::Encoding& output) {
  const quant::GridLimits limits = quant::limits_of(output.dtype);
  const auto steps_at = [&](double x) {
    return std::clamp(function(x) / static_cast<double>(output.scale),
                      static_cast<double>(limits.min), static_cast<double>(limits.max));
  };
  /// How far out `sign` times an input still matters; 0 if that side is flat.
  const auto extent = [&](double sign) {
    Spread spread;
    for (int point = kPoints; point > 0; --point) {
      if (spread.holds_with(steps_at(sign * threshold * point / kPoints))) continue;
      return threshold * std::min(point + 1, kPoints) / kPoints;
    }
    return 0.0;
  };
  const TableRange range = {-extent(-1), extent(1)};
  return range.half() > 0 ? range : TableRange{-threshold, threshold};
}

}  // namespace xinfer::passes
