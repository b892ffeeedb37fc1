// One real number as an element of any type.
#pragma once

#include "core/status.h"
#include "xinfer/core/dtype.h"

namespace xinfer::runtime {

/// Writes `value`, rounded to nearest and clamped to the type's range, to size_of(dtype) bytes.
void store_scalar(DType dtype, double value, void* element);

}  // namespace xinfer::runtime
