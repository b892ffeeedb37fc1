// Activation functions that exporters write as several nodes.
#pragma once

#include "core/status.h"
#include "ir/graph.h"

namespace xinfer::passes {

/// x * Sigmoid(x) -> SiLU; x * HardSigmoid(x) and x * Clip(x + 3, 0, 6) / 6 -> HardSwish;
/// Clip(x + 3, 0, 6) / 6 -> HardSigmoid; x * Tanh(Softplus(x)) -> Mish; Swish with alpha 1 -> SiLU;
/// PRelu with one slope -> leaky ReLU. The last node of the pattern becomes the function, so that
/// its output keeps its name.
Status recognise_activations(ir::Graph& graph);

}  // namespace xinfer::passes
