// A MatMul reads its second operand transposed instead of having it transposed.
#pragma once

#include "core/status.h"
#include "ir/graph.h"

namespace xinfer::passes {

/// MatMul(a, Transpose(b)) with the last two axes swapped becomes MatMul(a, b) with transpose_b
/// turned over. First operands are left alone: INT8 products want their rows in order.
Status fold_transpose_into_matmul(ir::Graph& graph);

}  // namespace xinfer::passes
