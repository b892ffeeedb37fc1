// Types and symbolic shapes of node outputs from their inputs.
#pragma once

#include "core/status.h"
#include "ir/graph.h"

namespace xinfer::ir {

/// Sets dtype and shape of the node's outputs. Quantised dtypes and scales of outputs that are
/// already set (INT8 regions) are kept. Fails with a message that names the node and what does not
/// fit: `node "conv1" (Conv): weight has 3 input channels per group, x has 4 channels in 1 group`.
Status infer_node(Graph& graph, NodeId node);

/// infer_node over the whole graph in order.
Status infer_shapes(Graph& graph);

}  // namespace xinfer::ir
