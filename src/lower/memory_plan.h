// Where tensors lie in the arena, and how much workspace steps need, at the largest shapes.
#pragma once

#include "core/status.h"
#include "lower/lower.h"
#include "lower/lowering.h"

namespace xinfer::lower {

/// Assigns offsets: tensors whose lives overlap never share bytes; each owner's space covers all
/// its aliases. Greedy by size, best fit. Fails if a symbol has no range.
Status plan_memory(Lowering& lowering, const SymbolRanges& symbols);

}  // namespace xinfer::lower
