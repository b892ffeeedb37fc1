// Where tensors lie in the arena, and how much workspace steps need, at the largest shapes.
#pragma once

#include "core/status.h"
#include "lower/lower.h"
#include "lower/lowering.h"

namespace xinfer::lower {

/// Whether a step may write its result over an operand that nobody reads again.
enum class InPlace : bool { kNo, kYes };

/// Assigns offsets: tensors whose lives overlap never share bytes, but for results written in
/// place; each owner's space covers all its aliases. Greedy by size, best fit. Fails if a symbol
/// has no range.
Status plan_memory(Lowering& lowering, const SymbolRanges& symbols,
                   InPlace in_place = InPlace::kNo);

}  // namespace xinfer::lower
