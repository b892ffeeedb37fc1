// Computes once what several nodes compute alike.
#pragma once

#include "core/status.h"
#include "ir/graph.h"

namespace xinfer::passes {

/// Nodes with equal ops and inputs share the first one's outputs; constants of one element with
/// equal type, shape and contents are one.
Status share_common_subexpressions(ir::Graph& graph);

}  // namespace xinfer::passes
