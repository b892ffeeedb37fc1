// Point masses: single values that a tensor holds far too often for a smooth distribution, such as
// padding or a saturated activation. Exact zeros are not among a histogram's bins to begin with.
#pragma once

#include <span>
#include <vector>

#include "quant/histogram.h"

namespace xinfer::calibrate {

struct SmoothDistribution {
  std::vector<quant::Bin> bins;     ///< point masses lowered to the level of their neighbourhood
  double highest_point_mass = 0.0;  ///< upper edge of the highest one taken out; 0 if none
};

/// A bin is a point mass if it holds at least 1 % of the values and 16 times the mean of the 32
/// bins around it. The bin of the largest value stays: a saturated maximum is evidence against
/// clipping. So do all of them where there are more than eight: that distribution is discrete.
SmoothDistribution without_point_masses(std::span<const quant::Bin> bins);

}  // namespace xinfer::calibrate
