// GELU, exact and by tanh, from the products and sums that exporters write.
#pragma once

#include "core/status.h"
#include "ir/graph.h"

namespace xinfer::passes {

/// 0.5 x (1 + erf(x / sqrt 2)) and 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))), whatever the
/// order of the factors.
Status recognise_gelu(ir::Graph& graph);

}  // namespace xinfer::passes
