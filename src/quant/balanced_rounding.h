// Rounds the weights of one output channel so that their errors cancel: what keeps a layer's mean
// output in place without looking at any data.
#pragma once

#include <cstdint>
#include <span>

namespace xinfer::quant {

/// Rounds `weights` (in units of their scale, clamped to [-127, 127]) to `values`, both
/// [taps][inputs]: every value is one of the two integers beside its weight, the errors of the
/// whole channel sum to at most 1/2 in magnitude and those of each input's taps to at most 1.
///
/// Nearest rounding keeps single errors least but lets their sum wander; activations have a mean
/// (after ReLU all of them are positive), so that sum becomes a shift of the output. Here the
/// fewest and cheapest roundings are turned: those nearest to a half. SQuant (Guo et al., ICLR
/// 2022) derives the same rule from a diagonal and constant approximation of the Hessian.
/// Ties go to the lower index. `values` and `weights` have taps * inputs elements.
void round_balanced(std::span<const float> weights, std::int64_t taps, std::int64_t inputs,
                    std::span<std::int8_t> values);

}  // namespace xinfer::quant
