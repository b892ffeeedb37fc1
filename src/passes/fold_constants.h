// Computes what depends on constants alone.
#pragma once

#include "core/status.h"
#include "passes/pipeline.h"

namespace xinfer::passes {

/// Nodes whose inputs all are constants become constants, by `evaluate` (nothing is folded without
/// one). Broadcasts that would blow a small constant up, and graph outputs, stay nodes.
Status fold_constants(ir::Graph& graph, const Evaluator& evaluate);

}  // namespace xinfer::passes
