// Layer normalisation from the means, squares and roots that exporters write.
#pragma once

#include "core/status.h"
#include "ir/graph.h"

namespace xinfer::passes {

/// (x - mean(x)) / sqrt(mean((x - mean(x))^2) + epsilon), over trailing axes, then * scale and +
/// bias where those are constants of the normalised axes' shape.
Status recognise_layer_norm(ir::Graph& graph);

}  // namespace xinfer::passes
