// Attention's scores are scaled by a constant right behind their product. Where that is a power of
// two, the product's epilogue can do it: scaling by it commutes with rounding, so that the floats
// are the same, and a pass over all scores is saved.
#pragma once

#include <optional>

#include "ir/graph.h"

namespace xinfer::lower {

/// The power of two by which the only user of an INT8 product of run-time operands multiplies its
/// float result; empty if there is none that the product could absorb.
std::optional<float> absorbed_factor(const ir::Graph& graph, const ir::Node& product);

/// For a Mul whose factor its operand's producer absorbs: that operand. Else kNoValue.
ir::ValueId absorbed_operand(const ir::Graph& graph, const ir::Node& scaling);

}  // namespace xinfer::lower
