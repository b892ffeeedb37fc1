// An explicit Pad becomes the padding of the window op behind it.
#pragma once

#include "core/status.h"
#include "ir/graph.h"

namespace xinfer::passes {

/// Zero padding of the spatial axes moves into a Conv, and into an AveragePool that then counts it
/// (exact: the windows saw those zeros before). MaxPool is left alone: its own padding is -inf.
Status fold_padding(ir::Graph& graph);

}  // namespace xinfer::passes
