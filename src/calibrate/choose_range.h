// From one value's histogram to its range: the rules that hold for every calibrator.
#pragma once

#include <memory>

#include "calibrate/options.h"
#include "calibrate/race.h"
#include "calibrate/ranges.h"

namespace xinfer::calibrate {

/// A network input is never clipped: it gets MinMax whatever `options` say. A value whose largest
/// magnitude is below 2^-60 gets scale 1 ("all zero"): every real number near it is 0. For kAuto
/// the candidates are scored by `score`, or by proxy_score if that is null. For every other
/// calibrator the share of the power that it clips becomes the range's output_error, so that
/// layers behind a collapsed range stay float.
ValueRange choose_range(std::shared_ptr<const quant::Histogram> histogram, DType grid,
                        bool network_input, const CalibratorOptions& options, const Score& score);

}  // namespace xinfer::calibrate
