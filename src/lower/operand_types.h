// Which types of operands the kernels of an op take.
#pragma once

#include "core/status.h"
#include "ir/graph.h"

namespace xinfer::lower {

/// Fails (unsupported), naming node and operand, if `node` would need a kernel for a type that has
/// none: products, normalisations and pooling compute in float32 and INT8 only.
Status check_operand_types(const ir::Graph& graph, const ir::Node& node);

}  // namespace xinfer::lower
