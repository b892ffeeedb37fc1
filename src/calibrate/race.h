// The `auto` calibrator: every calibrator proposes a threshold, a score decides. The builder scores
// by the error at the layer's output; the histogram alone gives the default.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "quant/histogram.h"
#include "xinfer/core/dtype.h"

namespace xinfer::calibrate {

struct Candidate {
  std::string calibrator;  ///< "minmax", "percentile:99.99", …
  double threshold = 0.0;
};

/// The proposals of all calibrators, MinMax first; those within 0.1 % of an earlier one are left
/// out.
std::vector<Candidate> candidates(const quant::Histogram& histogram, DType grid);

/// The error that a candidate causes; less is better, NaN never wins.
using Score = std::function<double(const Candidate&)>;

/// The candidate of least score; of equals the one that clips less. `candidates` is not empty.
Candidate choose_by_error(const std::vector<Candidate>& candidates, const Score& score);

/// rounding + 4 * clipping of expected_error. Clipped values err all in one direction, so their
/// errors add up in the next layer's sums, where rounding errors average out.
double proxy_score(const quant::Histogram& histogram, const Candidate& candidate, DType grid);

}  // namespace xinfer::calibrate
