#include "calibrate/choose_range.h"

#include <cmath>

#include "calibrate/calibrators.h"

namespace xinfer::calibrate {
namespace {

constexpr float kVanishing = 0x1p-60f;
constexpr double kScaleOne = 127.0;

Candidate choose(const quant::Histogram& histogram, DType grid, bool network_input,
                 const CalibratorOptions& options, const Score& score) {
  if (histogram.amax() < kVanishing) return {"all zero", kScaleOne};
  if (network_input) return {"minmax", minmax_threshold(histogram)};
  if (options.algorithm != Algorithm::kAuto) {
    return {to_string(options), threshold_of(histogram, options, grid)};
  }
  if (score) return choose_by_error(candidates(histogram, grid), score);
  return choose_by_error(candidates(histogram, grid), [&](const Candidate& candidate) {
    return proxy_score(histogram, candidate, grid);
  });
}

}  // namespace

ValueRange choose_range(std::shared_ptr<const quant::Histogram> histogram, DType grid,
                        bool network_input, const CalibratorOptions& options, const Score& score) {
  Candidate chosen = choose(*histogram, grid, network_input, options, score);
  ValueRange range;
  range.threshold = chosen.threshold;
  range.calibrator = std::move(chosen.calibrator);
  range.grid = grid;
  range.network_input = network_input;
  range.observed = Observation{histogram->amax(), histogram->min(), histogram->max(),
                               clip_share(*histogram, chosen.threshold)};
  const bool is_guarded = options.algorithm != Algorithm::kAuto && !network_input;
  if (is_guarded && range.threshold < histogram->amax()) {
    range.output_error = clipped_power_share(*histogram, range.threshold);
  }
  range.histogram = std::move(histogram);
  return range;
}

}  // namespace xinfer::calibrate
