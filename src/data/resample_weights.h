// The weights of one resampling pass: which input pixels make an output pixel, and how much.
#pragma once

#include <cstdint>
#include <vector>

#include "data/resize.h"

namespace xinfer {

/// Fractional bits of the integer weights: 8-bit pixels, 2 bits for the sum's overshoot.
inline constexpr int kWeightBits = 32 - 8 - 2;

/// Output pixel i is the sum over k < counts[i] of weights[i * taps + k] * input[firsts[i] + k].
template <typename Weight>
struct ResampleWeights {
  int taps = 0;  ///< Largest count, made even; weights beyond a count are 0.
  std::vector<int> firsts;
  std::vector<int> counts;
  std::vector<Weight> weights;
};

/// Weights of the output pixels [begin, begin + count) of a pass from `in_size` to `out_size`
/// pixels; they add up to 1.
ResampleWeights<double> resample_weights(int in_size, int out_size, ResizeFilter filter, int begin,
                                         int count);

/// The same in units of 2^-kWeightBits, rounded half away from zero.
ResampleWeights<std::int32_t> fixed_point(const ResampleWeights<double>& weights);

}  // namespace xinfer
