// Values of which one scale keeps only a few outlier channels: transformers have such activations.
#pragma once

#include <string>

#include "ir/graph.h"
#include "passes/precision_plan.h"

namespace xinfer::passes {

/// Largest threshold, in typical channel magnitudes, that INT8 takes. At 32 a typical channel keeps
/// eight of the 254 steps. In ViT-Tiny, where this was measured, all values of a healthy layer
/// lie at 10 or below and a massive activation (a transformer's MLP) at 75, where INT8 costs the
/// whole network 10 dB.
inline constexpr double kLargestChannelRatio = 32;

/// Why `value` cannot share one INT8 scale over its channels; empty if it can or nothing is known.
/// The value comes, through elementwise functions and movement, from a convolution or product with
/// constant weights; channel n of that layer then has a magnitude of about T_in / 4 * |w_n| + |b_n|
/// (T_in / 4: the deviation of an input whose range ends at four of them). Uses only ranges, graph
/// and weights, so that a build from a calibration cache decides alike.
std::string channel_outlier_obstacle(const ir::Graph& graph, ir::ValueId value,
                                     const RangeMap& ranges);

}  // namespace xinfer::passes
