// Exact arithmetic for the targets of Reshape.
#pragma once

#include <optional>

#include "core/status.h"
#include "ir/dim.h"

namespace xinfer::import {

/// product(shape) / product(divisors), simplified: equal dimensions cancel, so that
/// [batch, 255, h, w] by [batch, 85] is 3*h*w. The caller knows that the division leaves no rest.
/// Nothing if a divisor is 0 or constants do not divide.
std::optional<ir::Dim> quotient(const ir::SymbolicShape& shape, const ir::SymbolicShape& divisors);

/// ONNX's target for an input of `shape`: 0 copies a dimension (unless `allow_zero`), one -1 takes
/// what is left.
Result<ir::SymbolicShape> resolve_reshape(const ir::SymbolicShape& shape, ir::SymbolicShape target,
                                          bool allow_zero);

}  // namespace xinfer::import
