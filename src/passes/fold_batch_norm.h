// Batch normalisation disappears: into the convolution before it, or into a multiply and an add.
#pragma once

#include "core/status.h"
#include "ir/graph.h"

namespace xinfer::passes {

/// y = (x - mean) * scale / sqrt(variance + epsilon) + bias with constant parameters. Behind a Conv
/// that nothing else reads it goes into weights and bias, computed in double and rounded once;
/// elsewhere it becomes Mul and Add by [C, 1, …] constants. Computed parameters are refused.
Status fold_batch_norm(ir::Graph& graph);

}  // namespace xinfer::passes
